import { expect, test } from "vitest";
import { page, quoted } from "./html.js";

test("nothing of a text is markup", () => {
  expect(quoted(`<a href="x" on='y'>&amp;`)).toBe(
    "&lt;a href=&quot;x&quot; on=&#39;y&#39;&gt;&amp;amp;",
  );
});

test("a page says its language, quotes its title and lets nothing be fetched or run", () => {
  const made = page({ language: "ja", title: "<b>", style: "p{}", body: "<p>x</p>" });
  expect(made).toContain('<html lang="ja">');
  expect(made).toContain("<title>&lt;b&gt;</title>");
  expect(made).toContain("default-src 'none'");
  expect(made).not.toContain("<b>");
});
