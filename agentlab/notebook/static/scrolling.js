// Keeps the newest line of a box in sight until the reader scrolls up.

const NEAR = 24;

/** Where a growing box stands. Call `moved` after each change of what it holds, and put `button` over the box. */
export class StickyBottom {
  /** @param {HTMLElement} box */
  constructor(box) {
    this.box = box;
    this.stuck = true;
    this.top = 0;
    this.height = 0;
    this.room = 0;
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "al-button al-jump";
    this.button.textContent = "↓ Jump to newest";
    this.button.hidden = true;
    this.button.onclick = () => this.jump();
    this.button.onblur = () => this.offer();
    box.addEventListener("scroll", () => this.scrolled());
    // What a reader opens is read where it is: it must not run away with the next line.
    box.addEventListener("click", ({ target }) => {
      if (target instanceof Element && target.closest("summary, .al-more")) this.stuck = false;
    });
    // The page may lay the box out anew, or only now what was out of sight: that is not the reader scrolling.
    const sizes = new ResizeObserver(() => this.moved());
    for (const node of [box, ...box.children]) sizes.observe(node);
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.box;
    const laidOutAnew = scrollHeight !== this.height || clientHeight !== this.room;
    if (scrollHeight - scrollTop - clientHeight < NEAR) this.stuck = true;
    else if (scrollTop < this.top - 2 && !laidOutAnew) this.stuck = false;
    this.top = scrollTop;
    this.offer();
  }

  /** Show the button where there is something to jump to. One that has the focus stays, or the reader's place on the page were lost. */
  offer() {
    const { scrollTop, scrollHeight, clientHeight } = this.box;
    const atEnd = this.stuck || scrollHeight - scrollTop - clientHeight < NEAR;
    this.button.hidden = atEnd && !this.button.matches(":focus");
  }

  moved() {
    this.height = this.box.scrollHeight;
    this.room = this.box.clientHeight;
    if (this.stuck) this.box.scrollTop = this.height;
    this.offer();
  }

  /** Go to the newest line and stay there; the focus goes along, for the button is gone. */
  jump() {
    this.stuck = true;
    this.box.focus({ preventScroll: true });
    this.moved();
  }
}
