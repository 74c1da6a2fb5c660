// Keeps the newest line of a box in sight until the reader scrolls up.

const NEAR = 24;

/** Where a growing box stands. Call `moved` after each change of what it holds, and put `button` over the box. */
export class StickyBottom {
  /** @param {HTMLElement} box */
  constructor(box) {
    this.box = box;
    this.stuck = true;
    this.top = 0;
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "al-button al-jump";
    this.button.textContent = "↓ Jump to newest";
    this.button.hidden = true;
    this.button.onclick = () => this.jump();
    box.addEventListener("scroll", () => this.scrolled());
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.box;
    if (scrollHeight - scrollTop - clientHeight < NEAR) this.stuck = true;
    else if (scrollTop < this.top - 2) this.stuck = false;
    this.top = scrollTop;
    this.button.hidden = this.stuck;
  }

  moved() {
    if (this.stuck) this.box.scrollTop = this.box.scrollHeight;
  }

  /** Go to the newest line and stay there; the focus goes along, for the button is gone. */
  jump() {
    this.stuck = true;
    this.button.hidden = true;
    this.box.focus({ preventScroll: true });
    this.moved();
  }
}
