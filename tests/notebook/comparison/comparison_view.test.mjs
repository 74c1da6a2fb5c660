// The parts of comparison_view.js that need no page.
import assert from "node:assert/strict";
import test from "node:test";
import widget, { tokensOf } from "../../../agentlab/notebook/static/comparison_view.js";

const run = (tokens, estimates = []) => ({ totals: { tokens, cost: "–" }, turns: estimates.map((estimate) => ({ estimate })) });

test("what nobody has reported is a dash and never 0", () => {
  assert.deepEqual(tokensOf(run({})), { input: "–", read: "–", written: "–", output: "–" });
  assert.deepEqual(tokensOf({ turns: [] }), { input: "–", read: "–", written: "–", output: "–" });
});

test("the input is all of the prompt: in full, read and written", () => {
  const tokens = { uncached: 300, read: 0, write_5m: 1000, write_1h: 200, output: 260, reasoning: 190 };
  assert.deepEqual(tokensOf(run(tokens)), { input: "1,500", read: "0", written: "1,200", output: "260" });
});

test("an estimate is added to what is reported, and marked", () => {
  assert.equal(tokensOf(run({ output: 100 }, [null, 23])).output, "~123");
  assert.equal(tokensOf(run({}, [0])).output, "–");
});

test("initialising is synchronous, says ready once, asks for what it lost, and can be undone", () => {
  const handlers = new Map();
  const sent = [];
  const model = {
    get: () => ({ sequence: 0, document: { runs: [] } }),
    send: (message) => sent.push(message),
    on: (name, handler) => handlers.set(name, handler),
    off: (name) => handlers.delete(name),
  };
  const undo = widget().initialize({ model });
  assert.deepEqual(sent, [{ type: "ready" }]);
  handlers.get("msg:custom")({ type: "patch", sequence: 2, operations: [] });
  assert.deepEqual(sent.at(-1), { type: "resync" });
  undo();
  assert.equal(handlers.size, 0);
});
