// What each operation of the admin API does: it asks the port.
import type { AnswerOf, Given, OperationName } from "../../console/operations.js";
import { changedIn, fieldsIn, reloadedIn } from "../japanese/answers.js";
import { type AdminAnswer, type AdminPort, adminFault } from "./port.js";

export type Handlers = {
  readonly [Name in OperationName]: (
    given: Given<Name>,
  ) => AdminAnswer<AnswerOf<Name>> | Promise<AdminAnswer<AnswerOf<Name>>>;
};

function done<T>(value: T): AdminAnswer<T> {
  return { ok: true, value };
}

export function handlersOf(port: AdminPort): Handlers {
  const { accounts, console: own } = port;
  return {
    status: async () => done(await port.status()),
    overview: () => done(port.overview()),
    history: () => done(port.history()),
    trends: ({ query }) => port.trends(query),
    sessions: ({ query }) => done(port.sessions(query)),
    session: ({ params: { id } }) => {
      const found = port.session(id);
      if (found !== undefined) return done(found);
      const message = `there is no session ${id}`;
      return adminFault("not-found", "unknown-session", message, "see holdfast sessions");
    },
    disconnect: ({ body }) => port.disconnect(body),
    blocks: async () => done(await port.blocks()),
    block: ({ body }) => port.block(body),
    unblock: ({ params }) => port.unblock(params.address),
    incidents: ({ query }) => port.incidents(query),
    incident: ({ params }) => port.incident(params.number),
    bulletins: ({ query }) => port.bulletins(query),
    bulletin: ({ params, query }) => port.bulletin(params.number, query),
    notices: () => done(port.notices()),
    testNotices: async () => done(await port.testNotices()),
    ledger: ({ query }) => done(port.ledger(query)),
    logLevel: () => done({ level: port.logLevel() }),
    log: ({ query }) => done(port.log(query)),
    config: () => done(port.config()),
    configFields: ({ query }) => fieldsIn(query.lang, port.configFields()),
    changeConfig: async ({ body, query }) => changedIn(query.lang, await port.changeConfig(body)),
    setLogLevel: ({ body }) => {
      port.setLogLevel(body.level);
      return done({ level: port.logLevel() });
    },
    reload: async ({ query }) => reloadedIn(query.lang, await port.reload()),
    doctor: async () => done(await port.doctor()),
    accounting: ({ query }) => accounts.accounting(query),
    users: ({ query }) => accounts.list(query),
    addUser: ({ body }) => accounts.add(body),
    importUsers: ({ body }) => accounts.import(body),
    user: ({ params }) => accounts.find(params.name),
    setUser: ({ params, body }) => accounts.update(params.name, body),
    removeUser: ({ params }) => accounts.remove(params.name),
    setPassword: ({ params, body }) => accounts.setPassword(params.name, body.password),
    enableUser: ({ params }) => accounts.setEnabled(params.name, true),
    disableUser: ({ params }) => accounts.setEnabled(params.name, false),
    rotateKey: () => accounts.keyRotate(),
    backup: ({ body }) => accounts.backup(body.path),
    consoleUsers: () => own.users(),
    addConsoleUser: ({ body }) => own.addUser(body),
    setConsoleUser: ({ params, body }) => own.setUser(params.name, body),
    setConsolePassword: ({ params, body }) => own.setPassword(params.name, body.password),
    removeConsoleUser: ({ params }) => own.removeUser(params.name),
    tokens: () => own.tokens(),
    addToken: ({ body }) => own.addToken(body),
    removeToken: ({ params }) => own.removeToken(params.name),
  };
}
