// The event stream: what it tells, and that it ends with whoever looks on.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { overviewSchema } from "../../src/console/overview-contract.js";
import { web } from "../../src/limits/web.js";
import { reasonOf, Served } from "./support.js";

let served: Served;
beforeEach(async () => {
  served = await Served.started();
});
afterEach(async () => {
  await served[Symbol.asyncDispose]();
});

const beat = () => {
  for (const told of served.listeners) told();
};

describe("the event stream", () => {
  test("tells the overview at once and at each moment", async () => {
    const stream = await served.stream(await served.token("viewer"));
    expect(stream.reply.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    beat();
    beat();
    await expect.poll(() => stream.text.split("\n\n").length).toBe(4);
    const [first = ""] = stream.text.split("\n\n");
    expect(first).toMatch(/^event: overview\ndata: \{/);
    const news: unknown = JSON.parse(first.slice(first.indexOf("{")));
    expect(overviewSchema.safeParse(news).success).toBe(true);
    stream.reply.destroy();
    await expect.poll(() => served.listeners.size).toBe(0);
  });

  test("ends with the log-in, and tells nothing after it", async () => {
    const { reading, changing } = await served.logIn("viewer");
    const stream = await served.stream(reading);
    expect((await served.ask("POST", "/v1/log-out", changing)).status).toBe(200);
    beat();
    await stream.ended;
    expect(stream.text).toMatch(/\n\nevent: ended\ndata: \{\}\n\n$/);
    expect(stream.text.match(/event: overview/g)).toHaveLength(1);
    expect(served.listeners.size).toBe(0);
  });

  test("ends with the token, once that has expired", async () => {
    const stream = await served.stream(await served.token("viewer"));
    served.now += 86_400_000;
    beat();
    await stream.ended;
    expect(stream.text).toContain("event: ended");
  });

  test("is for viewers at least, and for so many at once", async () => {
    const refused = await served.stream(await served.token("metrics"));
    expect(refused.reply.statusCode).toBe(403);
    const token = await served.token("viewer");
    const open = [];
    for (let at = 0; at < web.streamsMax; at++) open.push(await served.stream(token));
    const more = await served.ask("GET", "/v1/events", token);
    expect([more.status, reasonOf(more)]).toEqual([429, "too-many-streams"]);
    open[0]?.reply.destroy();
    const next = async () => {
      const { reply } = await served.stream(token);
      return reply.statusCode;
    };
    await expect.poll(next).toBe(200);
  });

  test("a reader that does not read keeps nothing waiting beyond what its socket takes", async () => {
    const stream = await served.stream(await served.token("viewer"));
    stream.reply.pause();
    let octets = 0;
    const big = JSON.stringify({ ...served.port.overview(), warnings: ["x".repeat(100_000)] });
    served.port.overview = () => {
      octets += big.length;
      return JSON.parse(big) as ReturnType<typeof served.port.overview>;
    };
    // Far more than a loopback socket's buffers hold.
    for (let at = 0; at < 300; at++) {
      beat();
      await new Promise((done) => setImmediate(done));
    }
    expect(octets).toBeLessThan(20_000_000);
    expect((await served.ask("GET", "/healthz")).status).toBe(200);
  });
});
