// The parts of run_view.js that need no page: patches applied, gaps found, a Stop that is heard or not.
import assert from "node:assert/strict";
import test from "node:test";
import { applyOperations, Receiver } from "../../../agentlab/notebook/static/run_document.js";
import widget from "../../../agentlab/notebook/static/run_view.js";

const empty = () => ({ title: "t", turns: [] });
const head = (order) => ({ number: 1, order });

test("operations build turns, parts and text", () => {
  const run = empty();
  const dirty = applyOperations(run, [
    ["turn", 0, head([1, 2])],
    ["part", 0, 1, { kind: "reasoning", text: "a" }],
    ["part", 0, 2, { kind: "text", blocks: [], tail: "<p>x</p>" }],
    ["add", 0, 1, "text", "b"],
    ["blocks", 0, 2, 8, "<p>y</p>", [8]],
    ["run", { status: "done" }],
  ]);
  assert.deepEqual([...dirty], [0]);
  assert.equal(run.status, "done");
  assert.equal(run.turns[0].parts[1].text, "ab");
  assert.deepEqual(run.turns[0].parts[2], { kind: "text", blocks: ["<p>x</p>"], tail: "<p>y</p>" });
});

test("the open block keeps its beginning, counted in UTF-16 units", () => {
  const run = { turns: [{ parts: { 1: { kind: "text", blocks: [], tail: "<p>🙂a</p>" } } }] };
  applyOperations(run, [["blocks", 0, 1, 6, "b</p>", []]]);
  assert.equal(run.turns[0].parts[1].tail, "<p>🙂ab</p>");
});

test("a new head keeps the parts of its turn", () => {
  const run = { turns: [{ head: head([1]), parts: { 1: { kind: "note", text: "n" } } }] };
  applyOperations(run, [["turn", 0, head([1, 2])]]);
  assert.equal(run.turns[0].parts[1].text, "n");
});

function receiver() {
  const seen = { requests: 0, told: [], now: 0 };
  const made = new Receiver(() => (seen.requests += 1), () => seen.now);
  made.listeners.add((dirty) => seen.told.push(dirty));
  return [made, seen];
}
const patch = (sequence) => ({ sequence, operations: [["run", { last: sequence }]] });

test("patches in order are applied", () => {
  const [made, seen] = receiver();
  made.takeSnapshot({ sequence: 0, document: empty() });
  made.takePatch(patch(1));
  made.takePatch(patch(2));
  assert.equal(made.document.last, 2);
  assert.equal(seen.requests, 0);
});

test("a patch seen before is ignored", () => {
  const [made, seen] = receiver();
  made.takeSnapshot({ sequence: 5, document: empty() });
  made.takePatch(patch(5));
  made.takePatch(patch(3));
  assert.equal(made.document.last, undefined);
  assert.equal(seen.requests, 0);
});

test("a gap asks for a snapshot, at most every 300 ms, and applies nothing until it comes", () => {
  const [made, seen] = receiver();
  made.takeSnapshot({ sequence: 0, document: empty() });
  made.takePatch(patch(2));
  made.takePatch(patch(3));
  assert.equal(seen.requests, 1);
  seen.now = 300;
  made.takePatch(patch(4));
  assert.equal(seen.requests, 2);
  assert.equal(made.document.last, undefined);
  made.takeSnapshot({ sequence: 5, document: { ...empty(), last: 5 } });
  made.takePatch(patch(6));
  assert.equal(made.document.last, 6);
  assert.equal(seen.told.at(-2), null);
});

test("an older snapshot does not undo newer patches", () => {
  const [made] = receiver();
  made.takeSnapshot({ sequence: 4, document: { ...empty(), last: 4 } });
  made.takeSnapshot({ sequence: 2, document: { ...empty(), last: 2 } });
  made.takeSnapshot({});
  assert.equal(made.document.last, 4);
});

test("patches do not change the snapshot they start from", () => {
  const [made] = receiver();
  const document = { ...empty(), turns: [{ head: head([1]), parts: { 1: { kind: "note", text: "a" } } }] };
  made.takeSnapshot({ sequence: 0, document });
  made.takePatch({ sequence: 1, operations: [["add", 0, 1, "text", "b"]] });
  assert.equal(document.turns[0].parts[1].text, "a");
  assert.equal(made.document.turns[0].parts[1].text, "ab");
});

test("initialising is synchronous, says ready once, and can be undone", () => {
  const handlers = new Map();
  const sent = [];
  const model = {
    get: () => ({ sequence: 0, document: empty() }),
    send: (message) => sent.push(message),
    on: (name, handler) => handlers.set(name, handler),
    off: (name) => handlers.delete(name),
  };
  const undo = widget().initialize({ model });
  assert.deepEqual(sent, [{ type: "ready" }]);
  handlers.get("msg:custom")({ type: "patch", ...patch(2) });
  assert.deepEqual(sent.at(-1), { type: "resync" });
  undo();
  assert.equal(handlers.size, 0);
});
