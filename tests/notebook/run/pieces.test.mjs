// The pieces of the run view that need no page.
import assert from "node:assert/strict";
import test from "node:test";
import { beginning } from "../../../agentlab/notebook/static/bounded_text.js";
import { spoken, Elapsed } from "../../../agentlab/notebook/static/elapsed.js";
import { announcement, applyOperations } from "../../../agentlab/notebook/static/run_document.js";
import { searchWords } from "../../../agentlab/notebook/static/retrieval_card.js";
import { inWords } from "../../../agentlab/notebook/static/token_bar.js";

test("an estimate and fields of a part are laid over the document", () => {
  const run = { turns: [] };
  const dirty = applyOperations(run, [
    ["turn", 0, { order: [1] }],
    ["part", 0, 1, { kind: "reasoning", text: "a", tokens: 1, estimated: true }],
    ["estimate", 0, 12],
    ["set", 0, 1, { tokens: 7, estimated: false }],
  ]);
  assert.deepEqual([...dirty], [0]);
  assert.equal(run.turns[0].estimate, 12);
  assert.deepEqual(run.turns[0].parts[1], { kind: "reasoning", text: "a", tokens: 7, estimated: false });
});

test("changes of state are said aloud, and nothing else", () => {
  const run = { status: "running", label: "running", detail: null, asking: [], turns: [] };
  assert.equal(announcement(run), "Run started");
  assert.equal(announcement({ ...run, turns: [{ parts: {} }] }), "Run started");
  assert.equal(announcement({ ...run, asking: ["delete"] }), "Approval needed to run delete");
  assert.equal(announcement({ ...run, status: "done", label: "done" }), "Run done");
  assert.equal(announcement({ ...run, status: "error", label: "failed", detail: "boom" }), "Run failed: boom");
});

test("seconds are said in words of a clock", () => {
  const said = [-1, 0, 59.9, 60, 125, 3600, 7325].map(spoken);
  assert.deepEqual(said, ["0 s", "0 s", "59 s", "1 min 00 s", "2 min 05 s", "1 h 00 min", "2 h 02 min"]);
});

test("the clock ticks once a second while the run goes on and stands at its own time at the end", (context) => {
  context.mock.timers.enable({ apis: ["setInterval", "Date"], now: 10_000 });
  const node = { textContent: "" };
  const clock = new Elapsed(node);
  const run = { status: "running", started: 4, time: null };
  clock.paint(run);
  assert.equal(node.textContent, "6 s");
  clock.paint(run);
  context.mock.timers.tick(2000);
  assert.equal(node.textContent, "8 s");
  clock.paint({ ...run, status: "done", time: "7.31 s" });
  context.mock.timers.tick(5000);
  assert.equal(node.textContent, "7.31 s");
});

test("a kernel whose clock is ahead began just now", (context) => {
  context.mock.timers.enable({ apis: ["setInterval", "Date"], now: 10_000 });
  const node = { textContent: "" };
  const clock = new Elapsed(node);
  clock.paint({ status: "running", started: 99, time: null });
  assert.equal(node.textContent, "0 s");
  clock.stop();
});

test("the bar is told in words, with what could have been read", () => {
  const segments = [["uncached", "uncached", "blue"], ["read", "read", "green"], ["output", "output", "pink"]];
  const head = { tokens: { uncached: 1200, read: 0, output: 5 }, ideal: 12400 };
  assert.equal(
    inWords(head, segments),
    "tokens: uncached 1,200, read 0, output 5, ideal read 12,400; read 0",
  );
  assert.equal(inWords({ tokens: { output: 5 }, ideal: null }, segments), "tokens: output 5");
});

test("a search is told by its index, what became of it and its time", () => {
  const part = { index: "handbook", status: "searching", time: "" };
  assert.equal(searchWords(part), "handbook · searching…");
  assert.equal(searchWords({ ...part, status: "found", time: "84 ms" }), "handbook · 84 ms");
  assert.equal(searchWords({ ...part, status: "interrupted" }), "handbook · interrupted");
});

test("a text is cut as Python cuts it", () => {
  for (const [text, kept] of JSON.parse(process.env.CUT_BY_PYTHON)) assert.equal(beginning(text).length, kept);
});
