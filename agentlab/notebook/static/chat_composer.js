// The box a message is typed in, its buttons, and the messages that wait in line.

import { make, makeButton, setText } from "./elements.js";

/** @typedef {{id: number, text: string, held: boolean}} WaitingEntry */
/** @typedef {import("./chat_exchange.js").Link} Link */

const TALLEST = 200;
const LATE_MS = 1000;

/** The messages behind the answer under way. */
export class WaitingList {
  /** @param {Link} link */
  constructor(link) {
    this.link = link;
    this.painted = "";
    this.node = make("ul", "waiting");
    this.node.setAttribute("aria-label", "Messages in line");
  }

  /** @param {WaitingEntry[]} entries */
  paint(entries) {
    const known = JSON.stringify(entries);
    if (known === this.painted) return;
    this.painted = known;
    this.node.hidden = entries.length === 0;
    this.node.replaceChildren(...entries.map((entry) => this.row(entry)));
  }

  /** @param {WaitingEntry} entry */
  row({ id, text, held }) {
    const state = make("span", "muted", held ? "held" : "queued");
    state.title = held ? "The answer before it did not end well: send it, or take it out." : "Sent after this answer.";
    const now = makeButton("quiet", "Send now", () => this.leave({ type: "send_now", id }));
    const remove = makeButton("quiet", "Remove", () => this.leave({ type: "remove", id }));
    now.setAttribute("aria-label", `Send now: ${text}`);
    remove.setAttribute("aria-label", `Remove: ${text}`);
    return make("li", "", state, make("span", "waiting-text", text), now, remove);
  }

  /** @param {object} message */
  leave(message) {
    this.link.send(message);
    this.link.focus();
  }
}

export class Composer {
  /** @param {{link: Link, stop: () => void, sent: () => void}} options */
  constructor({ link, stop, sent }) {
    this.link = link;
    this.sent = sent;
    this.busy = false;
    this.unheard = 0;
    this.refusal = "";
    this.box = make("textarea", "box");
    this.box.rows = 1;
    this.box.setAttribute("aria-label", "Message");
    this.send = makeButton("send", "Send", () => this.submit());
    this.stop = makeButton("stop", "Stop", stop);
    this.hint = make("span", "hint");
    const row = make("div", "compose-row", this.box, this.stop, this.send);
    this.node = make("div", "composer", row, this.hint);
    this.box.oninput = () => {
      this.refusal = "";
      this.fit();
    };
    this.box.onkeydown = (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.submit();
      }
    };
  }

  /** @param {boolean} busy @param {boolean} stopping @param {string} agent */
  paint(busy, stopping, agent) {
    this.busy = busy;
    this.box.placeholder = busy ? "Message to send after this answer" : `Message ${agent}`;
    const hadFocus = this.stop.ownerDocument.activeElement === this.stop;
    this.stop.hidden = !busy;
    this.stop.disabled = stopping;
    setText(this.stop, stopping ? "Stopping…" : "Stop");
    setText(this.send, busy ? "Queue" : "Send");
    if (hadFocus && !busy) this.box.focus();
    this.paintHint();
  }

  paintHint() {
    const keys = `Enter sends · Shift+Enter new line${this.busy ? " · Esc stops" : ""}`;
    const late = "The kernel is busy: the message is sent as soon as it listens.";
    setText(this.hint, this.refusal || (this.unheard ? late : keys));
    this.hint.dataset.state = this.refusal ? "bad" : "";
  }

  /** Send what is typed; a message that is refused comes back into the box. */
  async submit() {
    const text = this.box.value;
    if (!text.trim()) return;
    this.box.value = "";
    this.refusal = "";
    this.fit();
    this.box.focus();
    const late = setTimeout(() => this.hear(1), LATE_MS);
    const answer = await this.link.ask({ type: "send", text });
    clearTimeout(late);
    this.hear(0);
    if (answer.type === "taken") {
      this.sent();
      return;
    }
    this.box.value = this.box.value ? `${text}\n${this.box.value}` : text;
    this.refusal = `Not sent: ${answer.reason}`;
    this.fit();
  }

  /** @param {number} unheard messages that Python has not taken for a while */
  hear(unheard) {
    this.unheard = unheard;
    this.paintHint();
  }

  /** Make the box as tall as what is typed. */
  fit() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(TALLEST, this.box.scrollHeight + 2)}px`;
    this.paintHint();
  }
}
