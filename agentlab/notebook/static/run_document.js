// The document of a run and the patches that bring it up to date, with no page and no widget.

const RESYNC_MS = 300;

/** Apply a patch's operations to a document; returns the indices of the turns that changed. */
export function applyOperations(document_, operations) {
  const dirty = new Set();
  for (const [name, ...rest] of operations) {
    if (name === "run") {
      Object.assign(document_, rest[0]);
      continue;
    }
    const [index, key, ...values] = rest;
    dirty.add(index);
    if (name === "turn") {
      const turn = (document_.turns[index] ??= { parts: {} });
      turn.head = key;
      continue;
    }
    const parts = document_.turns[index].parts;
    if (name === "part") {
      parts[key] = values[0];
    } else if (name === "add") {
      const [field, text] = values;
      parts[key][field] += text;
    } else if (name === "blocks") {
      const [blocks, keep, end] = values;
      parts[key].blocks.push(...blocks);
      parts[key].tail = parts[key].tail.slice(0, keep) + end;
    }
  }
  return dirty;
}

/**
 * Apply a patch's operations to a document of several runs; returns, for each run that changed, which of its turns did.
 * Null in place of turns: the run is to be painted anew.
 */
export function applyRunsOperations(document_, operations) {
  const dirty = new Map();
  for (const [name, ...rest] of operations) {
    if (name === "set") {
      Object.assign(document_, rest[0]);
    } else if (name === "cut") {
      document_.runs.length = Math.min(document_.runs.length, rest[0]);
    } else if (name === "entry") {
      const [index, fields] = rest;
      document_.runs[index] = fields;
      dirty.set(index, null);
    } else if (name === "about") {
      const [index, about] = rest;
      document_.runs[index].about = about;
      if (!dirty.has(index)) dirty.set(index, new Set());
    } else if (name === "in") {
      const [index, inner] = rest;
      const turns = applyOperations(document_.runs[index].run, inner);
      const known = dirty.get(index);
      if (known !== null) dirty.set(index, known === undefined ? turns : new Set([...known, ...turns]));
    }
  }
  return dirty;
}

/** Holds a document: takes patches in order, and asks for a snapshot when one is missing. */
export class Receiver {
  constructor(request, now = () => Date.now(), apply = applyOperations) {
    this.document = { turns: [], runs: [] };
    this.apply = apply;
    this.listeners = new Set();
    this.sequence = -1;
    this.request = request;
    this.now = now;
    this.askedAt = -Infinity;
  }

  takeSnapshot({ sequence, document }) {
    if (sequence === undefined || sequence < this.sequence) return;
    this.sequence = sequence;
    this.document = structuredClone(document);
    this.tell(null);
  }

  takePatch({ sequence, operations }) {
    if (sequence <= this.sequence) return;
    if (sequence !== this.sequence + 1) {
      if (this.now() - this.askedAt >= RESYNC_MS) {
        this.askedAt = this.now();
        this.request();
      }
      return;
    }
    this.sequence = sequence;
    this.tell(this.apply(this.document, operations));
  }

  tell(dirty) {
    for (const listener of this.listeners) listener(dirty);
  }
}
