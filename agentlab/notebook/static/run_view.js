// The live view of one run. Python sends numbered patches and, where one was lost, a snapshot.

import { Receiver } from "./run_document.js";
import { RunBody, legend, make, setText } from "./run_painting.js";
import { StickyBottom } from "./scrolling.js";

const INTERRUPT_MS = 500;

/** One place where the run is shown. */
class RunView {
  constructor(model, receiver) {
    this.model = model;
    this.receiver = receiver;
    this.segments = model.get("segments");
    this.turns = new RunBody({
      segments: this.segments,
      decide: (callId, approved) => model.send({ type: "decide", call_id: callId, approved }),
    });
    this.dirty = null;
    this.title = make("span", "title");
    this.status = make("span", "pill");
    this.status.setAttribute("role", "status");
    this.stop = make("button", "stop", "■ Stop");
    this.stop.type = "button";
    this.body = make("div", "body", this.turns.node);
    this.sticky = new StickyBottom(this.body);
    this.totals = make("div", "numbers al-totals");
    this.node = make("div", "run", make("div", "head", this.title, this.status, this.stop), this.body, this.totals);
    this.stop.onclick = () => this.askToStop();
  }

  changed(dirty) {
    if (this.frame === undefined) {
      this.dirty = dirty;
      this.frame = requestAnimationFrame(() => this.paint());
    } else if (this.dirty !== null) {
      this.dirty = dirty === null ? null : new Set([...this.dirty, ...dirty]);
    }
  }

  paint() {
    this.frame = undefined;
    const { document: run } = this.receiver;
    this.turns.paint(run, this.dirty);
    this.dirty = new Set();
    this.paintRun(run);
    this.sticky.moved();
  }

  paintRun(run) {
    setText(this.title, run.title || "run");
    setText(this.status, run.detail ? `${run.label}: ${run.detail}` : run.label);
    this.node.dataset.status = run.status;
    this.node.setAttribute("aria-busy", String(run.status === "running"));
    this.stop.hidden = run.status !== "running" || !this.model.get("can_stop");
    const totals = JSON.stringify(run.totals);
    if (totals === this.paintedTotals) return;
    this.paintedTotals = totals;
    const counts = legend(run.totals.tokens, this.segments);
    this.totals.replaceChildren(
      make("span", "count", make("b", "", "total")),
      ...counts,
      make("span", "count", "cost ", make("b", "", run.totals.cost)),
    );
    this.totals.hidden = counts.length === 0;
  }

  /** Ask Python; where it does not answer, because a blocking call holds its thread, interrupt the kernel. */
  askToStop() {
    this.stop.disabled = true;
    setText(this.stop, "Stopping…");
    this.model.send({ type: "stop" });
    this.interrupt = setTimeout(() => this.model.widget_manager?.kernel?.interrupt?.(), INTERRUPT_MS);
  }

  stopping() {
    clearTimeout(this.interrupt);
  }

  close() {
    clearTimeout(this.interrupt);
    if (this.frame !== undefined) cancelAnimationFrame(this.frame);
  }
}

export default () => {
  let receiver;
  const views = new Set();
  return {
    initialize({ model }) {
      receiver = new Receiver(() => model.send({ type: "resync" }));
      const onSnapshot = () => receiver.takeSnapshot(model.get("snapshot"));
      const onMessage = (message) => {
        if (message.type === "patch") receiver.takePatch(message);
        if (message.type === "stopping") for (const view of views) view.stopping();
      };
      model.on("change:snapshot", onSnapshot);
      model.on("msg:custom", onMessage);
      onSnapshot();
      model.send({ type: "ready" });
      return () => {
        model.off("change:snapshot", onSnapshot);
        model.off("msg:custom", onMessage);
      };
    },
    render({ model, el }) {
      const view = new RunView(model, receiver);
      const listener = (dirty) => view.changed(dirty);
      views.add(view);
      receiver.listeners.add(listener);
      el.append(view.node);
      view.paint();
      return () => {
        views.delete(view);
        receiver.listeners.delete(listener);
        view.close();
      };
    },
  };
};
