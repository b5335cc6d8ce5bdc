// Answer events with a Node handler: node loader.cjs module.function
// The protocol is that of loader.py.
"use strict";
const started = performance.timeOrigin + performance.now();
const path = require("node:path");

const write = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);
const answer = (message) => write(JSON.stringify(message) + "\n");

function contextOf(number) {
  const deadline = performance.now() + 29000;
  return {
    functionName: "benchmark",
    functionVersion: "$LATEST",
    memoryLimitInMB: "1769",
    invokedFunctionArn: "arn:aws:lambda:eu-central-1:123456789012:function:benchmark",
    logGroupName: "/aws/lambda/benchmark",
    logStreamName: "benchmark",
    awsRequestId: `00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadline - performance.now()),
  };
}

async function answered(handler, request, context) {
  const event = request.event;
  const began = performance.now();
  const response = await handler(event, context);
  const took = performance.now() - began;
  const cpu = process.cpuUsage();
  return {
    ms: took,
    cpu_ms: (cpu.user + cpu.system) / 1000,
    status: response.statusCode,
    response: request.brief ? null : response,
  };
}

async function main(name) {
  const began = performance.now();
  const dot = name.lastIndexOf(".");
  const handler = require(path.resolve(name.slice(0, dot)))[name.slice(dot + 1)];
  answer({ start: started, load_ms: performance.now() - began });
  let number = 0;
  let rest = "";
  let turn = Promise.resolve();
  const serve = async (line) =>
    answer(await answered(handler, JSON.parse(line), contextOf(number++)));
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop();
    for (const line of lines) turn = turn.then(() => serve(line));
  });
  process.stdin.on("end", () => turn.then(() => process.exit(0)));
}

main(process.argv[2]);
