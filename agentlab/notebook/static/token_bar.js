// The tokens of a turn: a bar of parts, the outline of what could have been read, and the numbers in words.

import { counted, fact, make, setText } from "./elements.js";

/** @typedef {import("./run_document.js").Head} Head */

/**
 * A swatch, a name and a number for each kind of token that is reported.
 * @param {Record<string, number>} tokens @param {string[][]} segments
 */
export function legend(tokens, segments) {
  return segments
    .filter(([name]) => tokens[name] !== undefined)
    .map(([name, label, color]) => {
      const swatch = make("i", "swatch");
      swatch.style.background = color;
      return make("span", "count", swatch, `${label} `, make("b", "", counted(tokens[name])));
    });
}

/**
 * What the bar shows, in words.
 * @param {Head} head @param {string[][]} segments
 */
export function inWords(head, segments) {
  const tokens = head.tokens ?? {};
  const named = segments
    .filter(([name]) => tokens[name] !== undefined)
    .map(([name, label]) => `${label} ${counted(tokens[name])}`);
  if (head.ideal) named.push(`ideal read ${counted(head.ideal)}; read ${counted(tokens.read ?? 0)}`);
  return `tokens: ${named.join(", ")}`;
}

export class TokenBar {
  /** @param {string[][]} segments */
  constructor(segments) {
    this.segments = segments;
    this.total = 0;
    this.pieces = make("div", "pieces");
    this.outline = make("div", "ideal");
    this.bar = make("div", "bar", this.pieces, this.outline);
    this.bar.setAttribute("role", "img");
    this.numbers = make("div", "numbers");
    this.estimate = make("div", "numbers al-estimate");
  }

  /** @param {Head} head */
  paint(head) {
    const { lengths } = head;
    const colors = new Map(this.segments.map(([name, , color]) => [name, color]));
    this.total = Object.values(lengths).reduce((sum, length) => sum + length, 0);
    this.bar.hidden = this.total === 0;
    this.bar.title = inWords(head, this.segments);
    this.bar.setAttribute("aria-label", this.bar.title);
    this.pieces.replaceChildren(
      ...Object.entries(lengths).map(([name, length]) => {
        const piece = make("div", "");
        piece.style.background = colors.get(name) ?? "";
        piece.style.flexGrow = String(length);
        return piece;
      }),
    );
    this.outline.hidden = !head.ideal;
    this.outline.style.width = `${(100 * (head.ideal ?? 0)) / Math.max(1, this.total)}%`;
    this.paintNumbers(head);
  }

  /** @param {Head} head */
  paintNumbers(head) {
    const facts = legend(head.tokens ?? {}, this.segments);
    if (head.ideal) {
      const ideal = fact("ideal read", counted(head.ideal));
      ideal.prepend(make("i", "swatch al-swatch-ideal"));
      ideal.title = "what the cache could have read, had the prompt before stayed the start of this one and been warm";
      facts.splice(facts.length && head.tokens?.uncached !== undefined ? 2 : 1, 0, ideal);
    }
    if (head.tokens) facts.push(fact("cost", head.cost));
    if (head.first !== "–") facts.push(fact("first token", head.first));
    if (head.time !== "–") facts.push(fact("time", head.time));
    this.numbers.replaceChildren(...facts);
  }

  /** @param {number | null | undefined} tokens @param {boolean} running */
  paintEstimate(tokens, running) {
    this.estimate.hidden = !tokens;
    const later = running ? "usage is known only at the end" : "usage was not reported";
    if (tokens) setText(this.estimate, `~${counted(tokens)} output tokens (estimated; ${later})`);
  }

  /**
   * Draw it as long as its share of the longest.
   * @param {number} longest
   */
  scale(longest) {
    this.bar.style.width = `${(100 * this.total) / longest}%`;
  }
}
