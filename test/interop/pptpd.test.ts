// Our client against pptpd and pppd, in a kernel of their own and through a NAT with the kernel's PPTP
// helper: sessions, and what is said where there is none.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Guest, Lab } from "../lab/guest.js";
import { expectOk, InnerNetns, quote } from "../lab/place.js";
import { needLab } from "../peers.js";

const SERVER = "198.18.2.1";
const holdfast = `${quote(process.execPath)} ${quote(join(import.meta.dirname, "../../dist/cli/main.js"))}`;
const password = "secret-Pw1";

/** The server beyond the guest, which masquerades the clients' addresses on that way too. */
const beyond = `
  ip netns add server
  ip link add outside type veth peer name eth1 netns server
  ip address add 198.18.2.254/24 dev outside
  ip link set outside up
  ip -n server link set lo up
  ip -n server address add ${SERVER}/24 dev eth1
  ip -n server link set eth1 up
  iptables-legacy -t nat -A POSTROUTING -o outside -j MASQUERADE`;

describe.runIf(needLab())("our client against pptpd, through a NAT", () => {
  let lab: Lab;
  let guest: Guest;

  beforeAll(async () => {
    lab = await Lab.open();
    guest = await Guest.up({ name: "pptpd", index: 1 });
    await expectOk(guest, "topology-nat");
    await expectOk(guest, beyond);
  });
  afterAll(async () => {
    await guest?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  const serve = (authentication: string, encryption: string) =>
    expectOk(
      new InnerNetns(guest, "server"),
      `[ -e /run/pptpd.pid ] && kill $(cat /run/pptpd.pid) && rm /run/pptpd.pid
       server-pptpd ${authentication} ${encryption} ann ${password}`,
    );

  /** Until it is up, pings, and is told to stop; or until it has ended by itself. */
  async function connect(words: string, secret = password) {
    const script = `
      export HOLDFAST_CLIENT_STATE=/run/clients
      echo ${secret} >/run/secret
      : >/run/said
      ${holdfast} connect ${SERVER} -u ann --tun hfc0 --password-file /run/secret ${words} >>/run/said 2>&1 &
      client=$!
      while kill -0 $client 2>/dev/null && ! grep -q '^up ' /run/said; do sleep 0.5; done
      ping -n -I hfc0 -c 3 -i 0.1 -W 2 10.99.0.1 2>/dev/null
      kill -TERM $client 2>/dev/null
      wait $client
      echo "exit $?"
      cat /run/said
      ip -4 route show; ip link show hfc0 2>&1`;
    const { stdout } = await new InnerNetns(guest, "client1").exec(script);
    const exit = Number(/^exit (\d+)$/m.exec(stdout)?.[1]);
    const received = Number(/(\d+) received/.exec(stdout)?.[1] ?? 0);
    return { exit, received, said: stdout };
  }

  it("MPPE-128 and the default route: pings through, and the host is as before", async () => {
    await serve("mschap-v2", "128");
    const { exit, received, said } = await connect("--routes default");
    expect(said).toMatch(/^ok +encryption: MPPE-128 stateless$/m);
    expect(received, said).toBe(3);
    expect(exit, said).toBe(0);
    expect(said).toMatch(/^ended {2}held 0$/m);
    expect(said).toMatch(/hfc0.*does not exist/);
    expect(said).not.toMatch(/proto 147/);
  });

  // It asks for no log-in at all once PAP was refused.
  it("a pptpd that offers only PAP: its verdict", async () => {
    await serve("pap", "none");
    const pap = await connect("");
    expect(pap.exit, pap.said).toBe(21);
    expect(pap.said).toMatch(/the server offers only PAP; allowed are MS-CHAPv2/);
  });
});
