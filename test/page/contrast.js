() => {
  const parse = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
  const light = ([r = 0, g = 0, b = 0]) => {
    const linear = [r, g, b].map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const backOf = (element) => {
    if (element === null) return [255, 255, 255];
    const back = parse(getComputedStyle(element).backgroundColor);
    return back.length === 3 || (back[3] ?? 1) === 1 ? back : backOf(element.parentElement);
  };
  const found = new Set();
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some(
      (node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim() !== "",
    );
    const { color, fontSize, fontWeight, display } = getComputedStyle(element);
    if (!own || display === "none" || element.disabled === true) continue;
    const [a, b] = [light(parse(color)), light(backOf(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = Number.parseFloat(fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) {
      found.add(`${ratio.toFixed(2)}: ${element.textContent?.trim().slice(0, 40)}`);
    }
  }
  return [...found];
}
