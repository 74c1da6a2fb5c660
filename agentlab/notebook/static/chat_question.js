// A question of the assistant that waits: its text, and ready answers as buttons.

import { make, makeButton } from "./elements.js";

/** @typedef {{name: string, text: string, buttons: string[]}} Asked */
/** @typedef {{id: string, questions: Asked[]}} Pending */

export class QuestionView {
  /** @param {import("./chat_exchange.js").Link} link */
  constructor(link) {
    this.link = link;
    this.painted = "";
    /** @type {Record<string, number>} */
    this.chosen = {};
    this.node = make("div", "asked");
    this.node.setAttribute("role", "group");
    this.node.setAttribute("aria-label", "Question");
  }

  /** @param {Pending | null} pending */
  paint(pending) {
    const known = JSON.stringify(pending);
    if (known === this.painted) return;
    this.painted = known;
    this.chosen = {};
    this.node.hidden = !pending;
    this.node.replaceChildren();
    if (!pending) return;
    const several = pending.questions.length > 1;
    const send = () => this.link.send({ type: "answer", question: pending.id, chosen: this.chosen });
    for (const asked of pending.questions) {
      const act = (/** @type {HTMLElement} */ button) => (several ? this.press(button) : send());
      this.node.append(make("div", "", asked.text), this.answers(asked, act));
    }
    if (several) this.node.append(makeButton("send", "Answer", send));
  }

  /** @param {Asked} asked @param {(button: HTMLElement) => void} act */
  answers({ name, buttons }, act) {
    const row = make("div", "answers");
    for (const [index, label] of buttons.entries()) {
      const button = makeButton("answer", label, () => {
        this.chosen[name] = index;
        act(button);
      });
      row.append(button);
    }
    return row;
  }

  /** @param {HTMLElement} button of several that exclude each other */
  press(button) {
    for (const one of button.parentElement?.children ?? []) one.setAttribute("aria-pressed", String(one === button));
  }
}
