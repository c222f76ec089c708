() => {
  const found = [];
  const nameOf = (element) =>
    element.getAttribute("aria-label") ??
    element.labels?.[0]?.textContent ??
    element.textContent ??
    "";
  for (const element of document.querySelectorAll("a, button, input, select, section")) {
    if (nameOf(element).trim() === "") found.push(`no name: ${element.outerHTML.slice(0, 80)}`);
  }
  if (document.querySelectorAll("main").length !== 1) found.push("not one main");
  if (document.querySelectorAll("h1").length !== 1) found.push("not one h1");
  if (document.documentElement.lang === "") found.push("no language");
  if (document.title === "") found.push("no title");
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  if (new Set(ids).size < ids.length) found.push("an id twice");
  if (document.documentElement.scrollWidth > innerWidth + 1) found.push("wider than the screen");
  return found;
}
