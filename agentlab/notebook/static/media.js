// Pictures and sounds, of their own bytes alone: an address that leads elsewhere makes nothing.

import { make } from "./elements.js";

/** @typedef {import("./run_document.js").Picture} Picture */
/** @typedef {import("./run_document.js").MediaPart} MediaPart */

const PICTURE_BYTES = /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*$/;
const SOUND_BYTES = /^data:audio\/(aac|flac|mp4|mpeg|ogg|wav|webm);base64,[A-Za-z0-9+/=]*$/;

/** @param {Picture} picture */
export function pictureOf({ address, caption, width, height }) {
  if (!PICTURE_BYTES.test(address)) return null;
  const image = make("img", "picture");
  Object.assign(image, { alt: caption, width, height, src: address });
  return image;
}

/** @param {{address: string, caption: string}} sound */
function playerOf({ address, caption }) {
  if (!SOUND_BYTES.test(address)) return null;
  const player = make("audio", "sound");
  player.setAttribute("aria-label", caption);
  Object.assign(player, { controls: true, preload: "none", src: address });
  return player;
}

/** A picture or a sound of an answer; it never changes. */
export class MediaView {
  /** @param {"picture" | "sound"} kind */
  constructor(kind) {
    this.kind = kind;
    this.node = make("div", "pictures");
  }

  /** @param {MediaPart} part */
  paint(part) {
    if (this.node.childElementCount) return;
    const shown = part.kind === "sound" ? playerOf(part) : pictureOf(part);
    if (shown) this.node.append(shown);
  }
}
