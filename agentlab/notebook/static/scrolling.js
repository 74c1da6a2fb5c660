// Keeps the newest line of a box in sight until the reader scrolls up.

const NEAR = 24;

/** Where a growing box stands. Call `moved` after each change of what it holds. */
export class StickyBottom {
  /** @param {HTMLElement} box */
  constructor(box) {
    this.box = box;
    this.stuck = true;
    this.top = 0;
    box.addEventListener("scroll", () => this.scrolled());
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.box;
    if (scrollHeight - scrollTop - clientHeight < NEAR) this.stuck = true;
    else if (scrollTop < this.top - 2) this.stuck = false;
    this.top = scrollTop;
  }

  moved() {
    if (this.stuck) this.box.scrollTop = this.box.scrollHeight;
  }
}
