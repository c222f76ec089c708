import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseIpv4 } from "../base/ip.js";
import { type ImportTerms, planImport } from "./chap-secrets.js";

const plan = (text: string, terms?: ImportTerms) => planImport(Buffer.from(text), terms);
const only = (text: string, terms?: ImportTerms) => {
  const { lines, accounts } = plan(text, terms);
  expect(lines).toHaveLength(1);
  return { ...lines[0]!, account: accounts[0]?.account };
};

describe("chap-secrets lines", () => {
  it("every line is in the result, with its number", () => {
    const { lines, accounts } = plan(
      [
        "# Secrets for authentication using CHAP",
        "# client\tserver\tsecret\t\t\tIP addresses",
        "",
        'anna\tpptpd\t"pass word"\t*',
        "bob pptpd 'it''s' 10.0.0.7",
        "half pptpd",
        "* pptpd guest *",
      ].join("\n"),
    );
    expect(lines.map(({ line, what, reason }) => [line, what, reason])).toEqual([
      [1, "skipped", "comment"],
      [2, "skipped", "comment"],
      [3, "skipped", "blank"],
      [4, "taken", ""],
      [5, "taken", ""],
      [6, "error", "it has fewer than three words"],
      [7, "skipped", "it is for any client: accounts have names"],
    ]);
    expect(accounts).toEqual([
      { index: 3, account: { name: "anna", password: "pass word" } },
      { index: 4, account: { name: "bob", password: "its", staticAddress: parseIpv4("10.0.0.7") } },
    ]);
  });
  it.each([
    ["*", "taken", undefined],
    ["", "taken", undefined],
    ["10.0.0.7", "taken", "10.0.0.7"],
    ["10.0.0.7/32", "taken", "10.0.0.7"],
    ["10.0.0.7 10.0.0.8", "taken", "10.0.0.7"],
    ["!10.0.0.9 10.0.0.7", "taken", "10.0.0.7"],
    ["* -- idle 60", "taken", undefined],
    ["10.0.0.7 -- mtu 1400", "taken", "10.0.0.7"],
    ["-", "skipped", undefined],
    ["10.0.0.0/24", "skipped", undefined],
    ["10.0.0.0/24+", "skipped", undefined],
    ["* !10.0.0.1", "skipped", undefined],
    ["10.0.0.0/33", "error", undefined],
    ["10.0.0", "error", undefined],
    ["host.example", "error", undefined],
    ["fe80::1", "error", undefined],
  ])("addresses %j: %s", (addresses, what, address) => {
    const line = only(`anna pptpd pw ${addresses}`);
    expect(line.what).toBe(what);
    expect(line.account?.staticAddress).toBe(address && parseIpv4(address));
    if (what !== "taken") expect(line.reason).toMatch(/\w/);
  });
  it("what is not kept of a taken line is said", () => {
    expect(only("a b c 10.0.0.1 10.0.0.2 -- mtu 1400").reason).toBe(
      "only the first address is kept; the options after -- are not kept",
    );
    expect(only("a b c").reason).toMatch(/one of the pool/);
    expect(only("a b c *").reason).toBe("");
  });
  it("with a server named, lines for others are skipped, those for * taken", () => {
    const { lines } = plan("a pptpd x *\nb other x *\nc * x *", { server: "pptpd" });
    expect(lines.map(({ what }) => what)).toEqual(["taken", "skipped", "taken"]);
    expect(lines[1]?.reason).toBe("it is for the server other");
  });
  it("of one name the line with a named server counts, else the first", () => {
    const { lines, accounts } = plan("a * one *\na pptpd two *\na pptpd three *");
    expect(lines.map(({ what, reason }) => [what, reason])).toEqual([
      ["skipped", "line 2 is of the same name"],
      ["taken", ""],
      ["skipped", "line 2 is of the same name"],
    ]);
    expect(accounts.map(({ account }) => account.password)).toEqual(["two"]);
  });
  it("composed and decomposed spellings are the same name", () => {
    const { accounts } = plan("J\u00fcrgen * one *\nJu\u0308rgen * two *");
    expect(accounts.map(({ account }) => account.name)).toEqual(["J\u00fcrgen"]);
  });
  it("a domain's user keeps the domain", () => {
    expect(only("ACME\\\\anna * pw *").account?.name).toBe("ACME\\anna");
  });
  it.each([
    ["an empty secret", 'a * "" *'],
    ["a newline in the name", '"a\nb" * x *'],
    ["a control character in the name", "a\\x1b * x *"],
    ["a long secret", `a * ${"x".repeat(257)} *`],
    ["an open quote", 'a * "x'],
    ["a backslash at the name's end", "a\\\\ * x *"],
  ])("%s: an error, and the secret is not repeated", (_, text) => {
    const line = only(text);
    expect(line.what).toBe("error");
    expect(line.reason).not.toContain("xxx");
  });
  it("octets that are not UTF-8: an error, for a name and for a secret", () => {
    const lines = [Buffer.from([0xe9]), Buffer.from(" * x *\na * "), Buffer.from([0xe9, 10])];
    expect(planImport(Buffer.concat(lines)).lines.map(({ what }) => what)).toEqual([
      "error",
      "error",
    ]);
  });
});

describe("secrets in files", () => {
  const files: Record<string, string> = {
    "/etc/ppp/anna": '# anna\n "the secret" more\n',
    "/etc/ppp/none": "# nothing\n",
  };
  const readSecretFile = (path: string) => {
    const content = files[path];
    return content === undefined
      ? ({ ok: false, why: `${path} belongs to user id 7, not to 0` } as const)
      : ({ ok: true, content: Buffer.from(content) } as const);
  };
  it("not followed unless asked for", () => {
    const line = only("anna * @/etc/ppp/anna *");
    expect(line).toMatchObject({ what: "skipped", account: undefined });
    expect(line.reason).toContain("--follow-files");
  });
  it("its first word is the secret", () => {
    const line = only("anna * @/etc/ppp/anna *", { readSecretFile });
    expect(line.account?.password).toBe("the secret");
  });
  it("one that is refused, empty or not an absolute path: an error", () => {
    expect(only("a * @/etc/shadow *", { readSecretFile })).toMatchObject({
      what: "error",
      reason: "the file of its secret: /etc/shadow belongs to user id 7, not to 0",
    });
    expect(only("a * @/etc/ppp/none *", { readSecretFile }).reason).toMatch(/empty/);
    expect(only("a * @secret *", { readSecretFile }).reason).toMatch(/absolute/);
    expect(only("a * @ *", { readSecretFile }).reason).toMatch(/absolute/);
  });
  it("a file is not read for a line that is skipped", () => {
    const line = only("a other @/etc/ppp/anna *", {
      server: "pptpd",
      readSecretFile: () => {
        throw new Error("read");
      },
    });
    expect(line.what).toBe("skipped");
  });
});

it("property: any octets are planned: an outcome a line, an account a taken line, names once", () => {
  const character = fc.constantFrom(..."a*@\\\"'#! \n.1/-", "ü");
  fc.assert(
    fc.property(fc.string({ unit: character, maxLength: 200 }), (text) => {
      const { lines, accounts } = plan(text);
      const taken = lines.flatMap(({ what }, index) => (what === "taken" ? [index] : []));
      expect(accounts.map(({ index }) => index)).toEqual(taken);
      expect(new Set(accounts.map(({ account }) => account.name)).size).toBe(accounts.length);
      for (const { what, reason } of lines) if (what !== "taken") expect(reason).not.toBe("");
    }),
  );
});
