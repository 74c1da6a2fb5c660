// The live view of a comparison: a lane for each agent. Python sends numbered patches and, where one was lost, a snapshot.

import { documentWidget } from "./document_widget.js";
import { Elapsed } from "./elapsed.js";
import { counted, make, makeButton, setText } from "./elements.js";
import { announcement, applyRunsOperations } from "./run_document.js";
import { RunBody } from "./run_painting.js";
import { StickyBottom } from "./scrolling.js";
import { StopButton } from "./stop_button.js";

/**
 * @typedef {import("./run_document.js").Run} Run
 * @typedef {{label: string, model: string, first: string, marks: string[]}} About
 * @typedef {{about: About, run: Run}} Entry
 */
const WRITTEN = ["write_5m", "write_1h", "write"];

/**
 * The tokens of a run as a lane shows them; those nobody has reported are a dash, and an estimate has its mark.
 * @param {Run} run @returns {{input: string, read: string, written: string, output: string}}
 */
export function tokensOf(run) {
  const tokens = run.totals?.tokens ?? {};
  /** @param {string[]} names */
  const sum = (names) => {
    const known = names.filter((name) => tokens[name] !== undefined);
    return known.length ? counted(known.reduce((all, name) => all + tokens[name], 0)) : "–";
  };
  const estimate = run.turns.reduce((all, turn) => all + (turn.estimate ?? 0), 0);
  return {
    input: sum(["uncached", "read", ...WRITTEN]),
    read: sum(["read"]),
    written: sum(WRITTEN),
    output: estimate ? `~${counted((tokens.output ?? 0) + estimate)}` : sum(["output"]),
  };
}

/** A name over a number. */
class Stat {
  /** @param {string} name */
  constructor(name) {
    // No list of terms: JupyterLab has a style of its own for those.
    this.value = make("b", "stat-value");
    this.node = make("div", "stat", make("span", "stat-name", name), this.value);
  }

  /** @param {string} text @param {boolean} best */
  paint(text, best = false) {
    setText(this.value, text);
    this.value.classList.toggle("al-best", best);
  }
}

/** One agent. */
class Lane {
  /** @param {{segments: string[][], stop: (() => void) | null, decide: (callId: string, approved: boolean) => void}} options */
  constructor({ segments, stop, decide }) {
    this.turns = new RunBody({ segments, decide });
    this.label = make("span", "title");
    this.status = make("span", "pill");
    this.stop = stop && makeButton("stop", "Stop", () => this.askToStop(stop));
    this.model = make("div", "lane-model");
    this.marks = make("span", "marks");
    this.detail = make("div", "lane-detail");
    this.stats = {
      input: new Stat("input"),
      read: new Stat("read"),
      written: new Stat("written"),
      output: new Stat("output"),
      cost: new Stat("cost"),
      first: new Stat("first token"),
      time: new Stat("time"),
    };
    this.clock = new Elapsed(this.stats.time.value);
    this.body = make("div", "body", this.turns.node);
    this.body.tabIndex = 0;
    this.body.setAttribute("role", "region");
    this.sticky = new StickyBottom(this.body);
    const head = make("div", "lane-head", this.label, this.status, ...(this.stop ? [this.stop] : []));
    const stats = make("div", "stats", ...Object.values(this.stats).map((stat) => stat.node));
    const scene = make("div", "scene", this.body, this.sticky.button);
    const line = make("div", "lane-line", this.model, this.marks);
    this.node = make("section", "lane", head, line, stats, this.detail, scene);
  }

  /** @param {Entry} entry @param {Iterable<number>} dirty the turns that changed */
  paint({ about, run }, dirty) {
    this.turns.paint(run, /** @type {any} */ (dirty));
    setText(this.label, about.label);
    this.label.title = about.label;
    this.node.setAttribute("aria-label", about.label);
    this.body.setAttribute("aria-label", `Answer of ${about.label}`);
    setText(this.model, about.model === about.label ? "" : about.model);
    setText(this.marks, about.marks.join(", "));
    setText(this.status, run.label ?? "");
    setText(this.detail, run.detail ?? "");
    this.detail.hidden = !run.detail;
    this.node.classList.toggle("al-one-turn", run.turns.length === 1);
    this.node.dataset.status = run.asking?.length ? "asking" : run.status;
    if (this.stop) this.stop.hidden = run.status !== "running";
    for (const [name, text] of Object.entries(tokensOf(run))) this.stats[/** @type {"input"} */ (name)].paint(text);
    this.stats.cost.paint(run.totals?.cost ?? "–", about.marks.includes("cheapest"));
    this.stats.first.paint(about.first);
    this.clock.paint(run);
    this.stats.time.value.classList.toggle("al-best", about.marks.includes("fastest"));
    this.sticky.moved();
  }

  /** @param {() => void} stop */
  askToStop(stop) {
    if (this.stop) {
      this.stop.disabled = true;
      setText(this.stop, "Stopping…");
    }
    stop();
  }

  close() {
    this.clock.stop();
  }
}

/** One place where the comparison is shown. */
class ComparisonView {
  /** @param {any} model @param {import("./run_document.js").Receiver} receiver */
  constructor(model, receiver) {
    this.model = model;
    this.receiver = receiver;
    /** @type {Lane[]} */
    this.lanes = [];
    /** @type {string[]} */
    this.said = [];
    /** @type {Map<number, Set<number> | null> | null} */
    this.dirty = null;
    /** @type {number | undefined} */
    this.frame = undefined;
    this.title = make("span", "title");
    this.summary = make("span", "pill");
    this.stop = new StopButton(model, "Stop all");
    this.row = make("div", "lanes");
    this.spoken = make("div", "spoken");
    this.spoken.setAttribute("role", "status");
    const head = make("div", "head", this.title, this.summary, this.stop.node);
    this.node = make("div", "run al-comparison", head, this.row, this.spoken);
  }

  /** @param {Map<number, Set<number> | null> | null} dirty */
  changed(dirty) {
    if (dirty === null || this.dirty === null) this.dirty = null;
    else {
      for (const [lane, turns] of dirty) {
        const known = this.dirty.get(lane);
        this.dirty.set(lane, turns === null || known === null ? null : new Set([...(known ?? []), ...turns]));
      }
    }
    this.frame ??= requestAnimationFrame(() => this.paint());
  }

  paint() {
    this.frame = undefined;
    /** @type {{title: string, summary: string, running: number, runs: Entry[]}} */
    const comparison = this.receiver.document;
    const { dirty } = this;
    this.dirty = new Map();
    setText(this.title, comparison.title || "comparison");
    this.title.title = comparison.title ?? "";
    setText(this.summary, comparison.summary ?? "");
    this.node.dataset.status = comparison.running ? "running" : "over";
    this.node.setAttribute("aria-busy", String(comparison.running > 0));
    this.stop.node.hidden = !comparison.running;
    this.row.className = `al-lanes al-lanes-${comparison.runs.length}`;
    comparison.runs.forEach((entry, index) => {
      if (index === this.lanes.length) {
        this.lanes.push(this.makeLane(index));
        this.row.append(this.lanes[index].node);
      }
      const turns = dirty === null ? null : dirty.get(index);
      if (turns !== undefined) this.lanes[index].paint(entry, turns ?? entry.run.turns.keys());
    });
    this.say(comparison.runs);
  }

  /** @param {number} lane */
  makeLane(lane) {
    const stop = () => this.model.send({ type: "stop", lane });
    return new Lane({
      segments: this.model.get("segments"),
      stop: this.model.get("stops_each") ? stop : null,
      decide: (callId, approved) => this.model.send({ type: "decide", lane, call_id: callId, approved }),
    });
  }

  /**
   * Say aloud which lane began, asks or ended; never its text.
   * @param {Entry[]} entries
   */
  say(entries) {
    const now = entries.map(({ about, run }) => `${about.label}: ${announcement(run)}`);
    const news = now.filter((line, index) => line !== this.said[index]);
    this.said = now;
    if (news.length) setText(this.spoken, news.join(". "));
  }

  /** @param {{type: string}} message */
  heard(message) {
    this.stop.heard(message);
  }

  close() {
    this.stop.close();
    for (const lane of this.lanes) lane.close();
    if (this.frame !== undefined) cancelAnimationFrame(this.frame);
  }
}

export default documentWidget((model, receiver) => new ComparisonView(model, receiver), applyRunsOperations);
