// The document of a run and the patches that bring it up to date, with no page and no widget.

/**
 * @typedef {{kind: "text", blocks: string[], tail: string}} TextPart
 * @typedef {{kind: "reasoning", text: string, tokens: number | null, estimated: boolean}} ReasoningPart
 * @typedef {{kind: "note", text: string}} NotePart
 * @typedef {{address: string, caption: string, width: number, height: number}} Picture
 * @typedef {{kind: "tool", call_id: string, name: string, status: string, error: boolean, reason: string,
 *   decision: "approved" | "denied" | null, note: string, arguments: string, result: string | null, pictures: Picture[],
 *   time: string}} ToolPart
 * @typedef {{kind: "retrieval", headline: string, index: string, query: string, status: string,
 *   hits: [string, string, string, string, string][], more: number, time: string}} RetrievalPart
 * @typedef {(Picture & {kind: "picture"}) | {kind: "sound", address: string, caption: string}} MediaPart
 * @typedef {TextPart | ReasoningPart | NotePart | ToolPart | RetrievalPart | MediaPart} Part
 * @typedef {{number: number, model: string, status: string, notices: [string, string, string][],
 *   tokens: Record<string, number> | null, lengths: Record<string, number>, ideal: number | null, cost: string,
 *   first: string, time: string, order: number[]}} Head
 * @typedef {{head: Head, estimate: number | null, parts: Record<string, Part>}} Turn
 * @typedef {{title: string, status: string, label: string, detail: string | null, model: string, started: number | null,
 *   time: string | null, asking: string[], totals: {tokens: Record<string, number>, cost: string}, turns: Turn[]}} Run
 * @typedef {any[]} Operation
 */

const RESYNC_MS = 300;

/**
 * Apply a patch's operations to a document; returns the indices of the turns that changed.
 * @param {any} document_ @param {Operation[]} operations @returns {Set<number>}
 */
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
      const turn = (document_.turns[index] ??= { estimate: null, parts: {} });
      turn.head = key;
      continue;
    }
    if (name === "estimate") {
      document_.turns[index].estimate = key;
      continue;
    }
    const parts = document_.turns[index].parts;
    if (name === "part") {
      parts[key] = values[0];
    } else if (name === "set") {
      Object.assign(parts[key], values[0]);
    } else if (name === "add") {
      const [field, text] = values;
      parts[key][field] += text;
    } else if (name === "blocks") {
      const [keep, end, lengths] = values;
      const part = parts[key];
      part.tail = part.tail.slice(0, keep) + end;
      for (const length of lengths) {
        part.blocks.push(part.tail.slice(0, length));
        part.tail = part.tail.slice(length);
      }
    }
  }
  return dirty;
}

/**
 * Apply a patch's operations to a document of several runs; returns, for each run that changed, which of its turns did.
 * Null in place of turns: the run is to be painted anew.
 * @param {any} document_ @param {Operation[]} operations @returns {Map<number, Set<number> | null>}
 */
export function applyRunsOperations(document_, operations) {
  /** @type {Map<number, Set<number> | null>} */
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

/**
 * What is said aloud of a run: that it began, that a tool asks, how it ended; never its text.
 * @param {Run} run @returns {string}
 */
export function announcement(run) {
  if (run.asking?.length) return `Approval needed to run ${run.asking.join(", ")}`;
  if (run.status === "running") return "Run started";
  return `Run ${run.label}${run.detail ? `: ${run.detail}` : ""}`;
}

/** Holds a document: takes patches in order, and asks for a snapshot when one is missing. */
export class Receiver {
  /** @param {() => void} request @param {() => number} now @param {(document_: any, operations: Operation[]) => any} apply */
  constructor(request, now = () => Date.now(), apply = applyOperations) {
    /** @type {any} */
    this.document = { turns: [], runs: [] };
    this.apply = apply;
    /** @type {Set<(dirty: any) => void>} */
    this.listeners = new Set();
    this.sequence = -1;
    this.request = request;
    this.now = now;
    this.askedAt = -Infinity;
  }

  /** @param {{sequence?: number, document?: any}} snapshot */
  takeSnapshot({ sequence, document }) {
    if (sequence === undefined || sequence < this.sequence) return;
    this.sequence = sequence;
    this.document = structuredClone(document);
    this.tell(null);
  }

  /** @param {{sequence: number, operations: Operation[]}} patch */
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

  /** @param {any} dirty */
  tell(dirty) {
    for (const listener of this.listeners) listener(dirty);
  }
}
