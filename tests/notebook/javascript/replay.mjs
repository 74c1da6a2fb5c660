// Applies patches as the browser does: a line of JSON in ({document, patches}), the document that results out.
import { createInterface } from "node:readline";
import { applyOperations, applyRunsOperations } from "../../../agentlab/notebook/static/run_document.js";

for await (const line of createInterface({ input: process.stdin })) {
  const { document, patches } = JSON.parse(line);
  const apply = document.runs ? applyRunsOperations : applyOperations;
  for (const operations of patches) apply(document, operations);
  process.stdout.write(`${JSON.stringify(document)}\n`);
}
