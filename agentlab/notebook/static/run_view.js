// The live view of one run. Python sends numbered patches and, where one was lost, a snapshot.

import { documentWidget } from "./document_widget.js";
import { Elapsed } from "./elapsed.js";
import { announcement } from "./run_document.js";
import { RunBody, counted, fact, legend, make, setText } from "./run_painting.js";
import { StickyBottom } from "./scrolling.js";
import { StopButton } from "./stop_button.js";

/** @typedef {import("./run_document.js").Run} Run */

/** One place where the run is shown. */
class RunView {
  /** @param {any} model @param {import("./run_document.js").Receiver} receiver */
  constructor(model, receiver) {
    this.model = model;
    this.receiver = receiver;
    this.segments = model.get("segments");
    /** @param {string} callId @param {boolean} approved */
    const decide = (callId, approved) => model.send({ type: "decide", call_id: callId, approved });
    this.turns = new RunBody({ segments: this.segments, decide: model.get("can_decide") ? decide : null });
    /** @type {Set<number> | null} */
    this.dirty = null;
    /** @type {number | undefined} */
    this.frame = undefined;
    this.paintedTotals = "";
    this.title = make("span", "title");
    this.status = make("span", "pill");
    this.stop = new StopButton(model, "Stop");
    this.modelName = make("span", "model");
    this.elapsed = make("span", "elapsed");
    this.clock = new Elapsed(this.elapsed);
    this.tokens = make("span", "");
    this.cost = make("span", "");
    this.body = make("div", "body", this.turns.node);
    this.body.tabIndex = 0;
    this.body.setAttribute("role", "region");
    this.sticky = new StickyBottom(this.body);
    this.totals = make("div", "numbers al-totals");
    this.spoken = make("div", "spoken");
    this.spoken.setAttribute("role", "status");
    const facts = make("div", "facts", this.modelName, this.elapsed, this.tokens, this.cost);
    this.detail = make("div", "detail");
    const head = make("div", "head", this.title, this.status, this.stop.node, facts, this.detail);
    const scene = make("div", "scene", this.body, this.sticky.button);
    this.node = make("div", "run", head, scene, this.totals, this.spoken);
  }

  /** @param {Set<number> | null} dirty */
  changed(dirty) {
    if (dirty === null || this.dirty === null) this.dirty = null;
    else for (const index of dirty) this.dirty.add(index);
    this.frame ??= requestAnimationFrame(() => this.paint());
  }

  paint() {
    this.frame = undefined;
    /** @type {Run} */
    const run = this.receiver.document;
    // A snapshot is the same run, further on: painted into what is there, it leaves open what the reader has opened.
    this.turns.paint(run, this.dirty ?? run.turns.keys());
    this.dirty = new Set();
    this.paintRun(run);
    this.sticky.moved();
  }

  /** @param {Run} run */
  paintRun(run) {
    setText(this.title, run.title || "run");
    this.title.title = run.title ?? "";
    setText(this.status, run.label ?? "");
    setText(this.detail, run.detail ?? "");
    this.detail.hidden = !run.detail;
    this.node.dataset.status = run.asking?.length ? "asking" : run.status;
    this.node.setAttribute("aria-busy", String(run.status === "running"));
    this.body.setAttribute("aria-label", `Run: ${run.title || "run"}`);
    setText(this.spoken, announcement(run));
    this.stop.node.hidden = run.status !== "running" || !this.model.get("can_stop");
    setText(this.modelName, run.model ?? "");
    this.clock.paint(run);
    this.paintTotals(run);
  }

  /** @param {Run} run */
  paintTotals(run) {
    const tokens = run.totals?.tokens ?? {};
    const estimate = run.turns.reduce((sum, turn) => sum + (turn.estimate ?? 0), 0);
    const known = JSON.stringify([run.totals, estimate]);
    if (known === this.paintedTotals) return;
    this.paintedTotals = known;
    const prompt = ["uncached", "read", "write_5m", "write_1h", "write"].reduce((sum, name) => sum + (tokens[name] ?? 0), 0);
    const output = (tokens.output ?? 0) + estimate;
    const shown = [];
    if (prompt) shown.push(`${counted(prompt)} in`);
    if (output) shown.push(`${estimate ? "~" : ""}${counted(output)} out`);
    this.tokens.replaceChildren(...(shown.length ? [fact("tokens", shown.join(" · "))] : []));
    this.tokens.title = estimate ? "~ is an estimate: usage is known only at the end of a turn" : "";
    const priced = run.totals && run.totals.cost !== "–";
    this.cost.replaceChildren(...(priced ? [fact("cost", run.totals.cost)] : []));
    const counts = legend(tokens, this.segments);
    this.totals.replaceChildren(make("span", "count", make("b", "", "total")), ...counts);
    this.totals.hidden = counts.length === 0 || run.turns.length < 2;
  }

  /** @param {{type: string}} message */
  heard(message) {
    this.stop.heard(message);
  }

  close() {
    this.stop.close();
    this.clock.stop();
    if (this.frame !== undefined) cancelAnimationFrame(this.frame);
  }
}

export default documentWidget((model, receiver) => new RunView(model, receiver));
