// How long a run has been going: ticks once a second while it runs, and stands still at its end.

import { setText } from "./elements.js";

/**
 * Seconds as a reader says them.
 * @param {number} seconds
 */
export function spoken(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours} h ${String(minutes).padStart(2, "0")} min` : `${minutes} min ${rest} s`;
}

export class Elapsed {
  /** @param {HTMLElement} node @param {() => number} now milliseconds of Unix time */
  constructor(node, now = () => Date.now()) {
    this.node = node;
    this.now = now;
    /** @type {number | undefined} */
    this.timer = undefined;
    this.since = now();
  }

  /** @param {{status: string, started: number | null, time: string | null}} run */
  paint(run) {
    // A kernel whose clock is ahead of this page's began, as far as the page can tell, just now.
    if (run.started) this.since = Math.min(run.started * 1000, this.now());
    if (run.status !== "running") {
      this.stop();
      setText(this.node, run.time ?? "");
      return;
    }
    this.tick();
    this.timer ??= /** @type {any} */ (setInterval(() => this.tick(), 1000));
  }

  tick() {
    setText(this.node, spoken((this.now() - this.since) / 1000));
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
