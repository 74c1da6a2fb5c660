"""WCAG 2.1 contrast of the texts on a page, transparency mixed in."""

# Each text that is seen, against the colours behind it laid over one another.
FAINT = """(below) => {
  const parsed = (color) => {
    const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number);
    const scale = color.startsWith("color(srgb") ? 255 : color.startsWith("rgb") ? 1 : NaN;
    return [r * scale, g * scale, b * scale, a];
  };
  const over = ([r, g, b, a], ground) => [r, g, b].map((value, k) => a * value + (1 - a) * ground[k]);
  const channel = (value) => value <= 10 ? value / 3294 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const found = [];
  const walker = document.createTreeWalker(document.querySelector(below), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim();
    const element = walker.currentNode.parentElement;
    if (!/[\\p{L}\\p{N}]/u.test(text) || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    if (element.closest(":disabled, style, .al-unseen")) continue;
    const above = [];
    let opacity = 1;
    for (let at = element; at; at = at.parentElement) {
      above.push(getComputedStyle(at).backgroundColor);
      opacity *= Number(getComputedStyle(at).opacity);
    }
    const ground = above.reverse().reduce((under, color) => over(parsed(color), under), [255, 255, 255]);
    const [r, g, b, a] = parsed(getComputedStyle(element).color);
    const [first, second] = [light(ground), light(over([r, g, b, a * opacity], ground))].sort((x, y) => y - x);
    const ratio = (first + 0.05) / (second + 0.05);
    if (!(ratio >= 4.5)) found.push([text.slice(0, 60), Math.round(ratio * 100) / 100]);
  }
  return found;
}"""
