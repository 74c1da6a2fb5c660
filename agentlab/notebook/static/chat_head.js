// The head of a chat: its session, its model, and what it has cost.

import { counted, fact, make, makeButton, setText } from "./elements.js";

/** Chooses among the sessions. */
class SessionPicker {
  /** @param {import("./chat_exchange.js").Link} link */
  constructor(link) {
    this.painted = "";
    this.session = "";
    this.select = make("select", "sessions");
    this.select.setAttribute("aria-label", "Session");
    this.select.onchange = () => {
      link.send({ type: "open", id: this.select.value });
      // Until it is open: it may be locked.
      this.select.value = this.session;
    };
    this.select.onfocus = () => link.send({ type: "sessions" });
    this.fresh = makeButton("quiet", "New chat", () => {
      link.send({ type: "new" });
      link.focus();
    });
  }

  /** @param {{session: string, sessions: {id: string, title: string}[]}} chat */
  paint({ session, sessions }) {
    const known = JSON.stringify([session, sessions]);
    if (known === this.painted) return;
    this.painted = known;
    this.session = session;
    this.select.replaceChildren(
      ...sessions.map(({ id, title }) => {
        const option = make("option", "", title);
        option.value = id;
        option.selected = id === session;
        return option;
      }),
    );
    this.select.title = sessions.find(({ id }) => id === session)?.title ?? "";
  }
}

export class ChatHead {
  /** @param {import("./chat_exchange.js").Link} link */
  constructor(link) {
    this.totals = "";
    this.picker = new SessionPicker(link);
    this.mode = make("select", "mode", make("option", "", "plan"), make("option", "", "build"));
    this.mode.setAttribute("aria-label", "Mode");
    this.mode.onchange = () => link.send({ type: "mode", mode: this.mode.value });
    this.model = make("span", "model");
    this.spent = make("span", "numbers");
    this.spent.title = "tokens and cost of this session, all branches";
    this.node = make("div", "chat-head", this.picker.select, this.picker.fresh, this.mode, this.model, this.spent);
  }

  /** @param {any} chat */
  paint(chat) {
    this.picker.paint(chat);
    this.mode.hidden = !chat.mode;
    this.mode.value = chat.mode;
    setText(this.model, chat.model);
    const totals = JSON.stringify(chat.totals);
    if (totals === this.totals) return;
    this.totals = totals;
    this.paintTotals(chat.totals);
  }

  /** @param {{tokens: Record<string, number>, cost: string}} totals */
  paintTotals({ tokens, cost }) {
    const sum = (/** @type {string[]} */ names) => names.reduce((so, name) => so + (tokens[name] ?? 0), 0);
    const asked = sum(["uncached", "read", "write_5m", "write_1h", "write"]);
    const pieces = [];
    if (asked) pieces.push(fact("tokens", `${counted(asked)} in · ${counted(sum(["output"]))} out`));
    if (cost !== "–") pieces.push(fact("cost", cost));
    this.spent.replaceChildren(...pieces);
  }
}
