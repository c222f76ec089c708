// The file changed by a form: comments stay, what is not asked for stays, what may not be changed is not,
// and every field shown can be written back as it is shown.
import { describe, expect, test } from "vitest";
import { editableFields, editedText } from "./edit.js";
import { loadConfig } from "./load.js";

const file = `# kept
listen: {port: 1724}   # by hand
limits:
  control:
    # why so many
    connectionsMax: 2000
network:
`;

function loaded(text: string) {
  const found = loadConfig(text, "test.yaml");
  if (!found.ok)
    throw new Error(found.problems.map(({ key, message }) => `${key} ${message}`).join());
  return found;
}

function edited(text: string, ...changes: [key: string, text: string][]): string {
  const result = editedText(
    text,
    "test.yaml",
    changes.map(([key, value]) => ({ key, text: value })),
  );
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.text;
}

describe("fields", () => {
  const { config, source } = loaded(file);
  const fields = editableFields(config.settings, source);
  const field = (key: string) => fields.find((one) => one.key === key);

  test("say what they are, what they expect, and what a change of them does", () => {
    expect(field("limits.control.connectionsMax")).toMatchObject({
      ...{ kind: "number", min: 1, max: 60_000, text: "2000", byDefault: false },
      ...{ change: "needs restart", expected: "a whole number from 1 to 60000" },
    });
    expect(field("users.atSessionLimit")).toMatchObject({
      ...{ kind: "choice", choices: ["end-oldest", "refuse-new"], text: "refuse-new" },
      ...{ byDefault: true, change: "applied" },
    });
    expect(field("network.nat.enabled")).toMatchObject({ kind: "yes-no", text: "false" });
    expect(field("addresses.pool")).toMatchObject({ kind: "text", text: "[10.99.0.0/24]" });
    for (const { key, expected, description } of fields) {
      expect([key, expected === "" || expected === "a value", description === ""]).toEqual([
        ...[key, false, false],
      ]);
    }
  });

  test("are none that would make a console's administrator more than that", () => {
    const sections = new Set(fields.map(({ key }) => key.split(".")[0]));
    for (const name of ["hooks", "user", "state", "instance", "console", "profiles", "listen"]) {
      expect(sections).not.toContain(name);
    }
    expect(fields.length).toBeGreaterThan(90);
  });

  test("can each be written back as it is shown, and nothing is changed by it", () => {
    for (const { key, text } of fields) {
      const again = loaded(edited(file, [key, text])).config.settings;
      expect([key, again]).toEqual([key, config.settings]);
    }
  });
});

describe("a change", () => {
  test("is in the text; all else stays, comments too; an empty text is the default again", () => {
    const text = edited(
      file,
      ["limits.control.connectionsMax", "3000"],
      ["network.nat.enabled", "true"],
      ["client.dns", "192.0.2.53, 192.0.2.54"],
      ["users.rateUp", "10M"],
    );
    for (const kept of ["# kept", "# by hand", "# why so many"]) expect(text).toContain(kept);
    const { settings } = loaded(text).config;
    expect(settings.limits.control.connectionsMax).toBe(3_000);
    expect(settings.network.nat.enabled).toBe(true);
    expect(settings.client.dns).toEqual(["192.0.2.53", "192.0.2.54"]);
    expect(settings.users.rateUp).toBe("10M");
    expect(settings.listen.port).toBe(1724);
    const back = loaded(edited(text, ["limits.control.connectionsMax", ""], ["client.dns", " "]));
    expect(back.config.settings.limits.control.connectionsMax).toBe(1_024);
    expect(back.config.settings.client.dns).toBe("host");
  });

  test("keeps the comment behind what it changes", () => {
    const edited = editedText("network:\n  mtu: 1380 # a tunnel in a tunnel\n", "f", [
      { key: "network.mtu", text: "1400" },
    ]);
    expect(edited).toEqual({
      ok: true,
      text: "network:\n  mtu: 1400 # a tunnel in a tunnel\n",
    });
  });

  test("of a file with aliases is refused: what they stand for would be emptied", () => {
    const text = "limits: {ppp: &p {restartMs: 3000}, guard: *p}\n";
    expect(editedText(text, "f", [{ key: "limits.ppp.restartMs", text: "2000" }])).toMatchObject({
      ok: false,
      problems: [{ remedy: "change it there by hand" }],
    });
  });

  test("of an empty file, and of one that is only a comment, makes its sections", () => {
    for (const text of ["", "# nothing yet\n"]) {
      const { settings } = loaded(edited(text, ["limits.ppp.restartMs", "900"])).config;
      expect(settings.limits.ppp.restartMs).toBe(900);
    }
  });

  test("one of a list without brackets, and a word that stands for one", () => {
    const one = loaded(edited("", ["client.dns", "192.0.2.53"])).config.settings.client;
    expect(one.dns).toEqual(["192.0.2.53"]);
    expect(loaded(edited("", ["client.dns", "host"])).config.settings.client.dns).toBe("host");
  });

  test("of a key that may not be changed, or that is no YAML, is a problem at its key", () => {
    const changes = [
      { key: "hooks.ipUp", text: "/bin/sh" },
      { key: "no.such", text: "1" },
      { key: "addresses.pool", text: "[10.0.0.0/24" },
      { key: "users.rateUp", text: "10M\nhooks: {ipUp: /bin/sh}" },
    ];
    const result = editedText("", "test.yaml", changes);
    expect(result).toMatchObject({ ok: false, problems: changes.map(({ key }) => ({ key })) });
  });

  test("text stays text: nothing given can become another key", () => {
    for (const hostile of ["x}, hooks: {ipUp: /bin/sh", '"a"\t: b', "!!js/function x", "&a [*a]"]) {
      for (const key of ["announce.hostName", "users.rateUp", "client.dns"]) {
        const result = editedText("", "test.yaml", [{ key, text: hostile }]);
        if (!result.ok) continue;
        const found = loadConfig(result.text, "test.yaml");
        if (!found.ok) continue;
        expect(found.config.settings.hooks.ipUp).toBeUndefined();
      }
    }
  });
});
