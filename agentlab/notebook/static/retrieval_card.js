// What an index found for the prompt.

import { BoundedText } from "./bounded_text.js";
import { counted, make, setText } from "./elements.js";

/** @typedef {import("./run_document.js").RetrievalPart} RetrievalPart */

/**
 * How a search stands, in words: the index, what became of it, how long it took.
 * @param {RetrievalPart} part
 */
export const searchWords = ({ index, status, time }) =>
  [index, { searching: "searching…", interrupted: "interrupted" }[status] ?? "", time].filter(Boolean).join(" · ");

export class RetrievalView {
  constructor() {
    this.kind = "retrieval";
    /** @type {RetrievalPart | null} */
    this.part = null;
    this.headline = make("em", "");
    this.words = make("span", "muted");
    this.query = new BoundedText("asked for");
    this.hits = make("ol", "hits");
    this.more = make("div", "muted");
    const summary = make("summary", "", this.headline, this.words);
    this.node = make("details", "fold", summary, this.query.node, this.hits, this.more);
  }

  /** @param {RetrievalPart} part */
  paint(part) {
    if (part === this.part) return;
    this.part = part;
    setText(this.headline, part.headline);
    setText(this.words, searchWords(part));
    this.query.paint(part.query);
    this.hits.replaceChildren(
      ...part.hits.map(([id, score, size, preview, note]) => {
        const facts = [score ? `score ${score}` : "", size, note].filter(Boolean).join(" · ");
        return make("li", "hit", make("code", "", id), make("span", "muted", ` ${facts} `), preview);
      }),
    );
    this.hits.hidden = part.hits.length === 0;
    setText(this.more, part.more ? `and ${counted(part.more)} more` : "");
    this.more.hidden = part.more === 0;
  }
}
