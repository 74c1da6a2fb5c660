// Small pieces of a page. Text goes in as text.

/**
 * An element with our class of this name.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {string} name @param {...(Node | string)} children @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, name, ...children) {
  const node = document.createElement(tag);
  if (name) node.className = `al-${name}`;
  node.append(...children);
  return node;
}

/** @param {string} name @param {string} text @param {() => void} act */
export function makeButton(name, text, act) {
  const button = make("button", `button al-${name}`, text);
  button.type = "button";
  button.onclick = act;
  return button;
}

/** @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {HTMLElement} node @param {string[]} [lines] hidden where there are none */
export function setLines(node, lines = []) {
  setText(node, lines.join("\n"));
  node.hidden = lines.length === 0;
}

/** @param {number} number */
export const counted = (number) => number.toLocaleString("en-US");

/**
 * A name, and what it stands at.
 * @param {string} name @param {string} value
 */
export const fact = (name, value) => make("span", "count", `${name} `, make("b", "", value));

/** Plain text that grows. */
export class GrowingText {
  /** @param {Node} node */
  constructor(node) {
    this.text = node.appendChild(document.createTextNode(""));
    this.painted = 0;
  }

  /** @param {string} text */
  paint(text) {
    if (text.length > this.painted) this.text.appendData(text.slice(this.painted));
    this.painted = text.length;
  }
}
