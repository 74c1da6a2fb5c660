// A long text of which the beginning is shown, until the reader asks for the rest.

import { counted, make, makeButton, setText } from "./elements.js";

const LINES = 20;
const CHARACTERS = 2000;
const SLACK = 1.25;

/**
 * What is shown of a text at first; all of it where little would be left out.
 * @param {string} text
 */
export function beginning(text) {
  const lines = text.split("\n");
  if (lines.length <= LINES * SLACK && text.length <= CHARACTERS * SLACK) return text;
  return lines.slice(0, LINES).join("\n").slice(0, CHARACTERS);
}

export class BoundedText {
  /** @param {string} label */
  constructor(label) {
    this.label = make("div", "muted", label);
    this.pre = make("pre", "");
    this.button = makeButton("more", "", () => this.toggle());
    this.node = make("div", "bounded", this.label, this.pre, this.button);
    this.node.hidden = true;
    this.whole = false;
    this.text = "";
  }

  /** @param {string} text @param {string} [label] */
  paint(text, label) {
    if (label !== undefined) setText(this.label, label);
    if (text === this.text) return;
    this.text = text;
    this.show();
  }

  toggle() {
    this.whole = !this.whole;
    this.show();
  }

  show() {
    const short = beginning(this.text);
    const cut = short.length < this.text.length;
    setText(this.pre, this.whole ? this.text : short);
    this.node.hidden = this.text === "";
    this.node.classList.toggle("al-cut", cut && !this.whole);
    this.button.hidden = !cut;
    this.button.setAttribute("aria-expanded", String(this.whole));
    setText(this.button, this.whole ? "Show less" : `Show all ${counted(this.text.split("\n").length)} lines`);
    if (this.text.indexOf("\n") < 0 && !this.whole) setText(this.button, `Show all ${counted(this.text.length)} characters`);
  }
}
