// The button that ends a run, whether Python can answer or not.

import { makeButton, setText } from "./elements.js";

const INTERRUPT_MS = 300;

/** Asks Python to stop; where it does not answer, because a blocking call holds its thread, interrupts the kernel. */
export class StopButton {
  /** @param {any} model @param {string} label */
  constructor(model, label) {
    this.model = model;
    this.node = makeButton("stop", label, () => this.ask());
  }

  ask() {
    this.node.disabled = true;
    setText(this.node, "Stopping…");
    this.model.send({ type: "stop" });
    this.interrupt = setTimeout(() => this.model.widget_manager?.kernel?.interrupt?.(), INTERRUPT_MS);
  }

  /** @param {{type: string}} message */
  heard(message) {
    if (message.type === "stopping") this.close();
  }

  close() {
    clearTimeout(this.interrupt);
  }
}
