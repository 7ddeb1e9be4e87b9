/** Traces as a collector gets them: of one process here, of a whole installation in the full form. */
import { openEndToEnd } from '../labs/end-to-end.ts';
import { rawDisk } from '../support/images.ts';
import { startCollector } from '../support/otlp-collector.ts';
import type { Collector, ReceivedSpan } from '../support/otlp-collector.ts';
import { isFullRun } from '../support/programs.ts';
import { until } from '../support/until.ts';
import { readSettings } from '../../workers/settings.ts';
import { createLogger } from '../../workers/log.ts';
import { tracingIfAsked } from '../../workers/tracing/traced.ts';

let collector: Collector;
beforeAll(async () => {
  collector = await startCollector();
});
afterAll(() => collector.close());

const logger = createLogger('silent', 'api');
const settings = (otlpEndpoint: string) => readSettings({ otlpEndpoint }, {});

test('nothing is traced, or loaded for it, unless a collector is named', async () => {
  expect(await tracingIfAsked(settings(''), 'api', logger)).toBeUndefined();
  await expect(tracingIfAsked(settings('collector:4318'), 'api', logger)).rejects.toThrow(
    'BYPASS_OTLP_ENDPOINT',
  );
});

test('a call that may change something is a trace; one that reads is none, unless its caller traces it', async () => {
  const tracing = await tracingIfAsked(settings(collector.url), 'api', logger);
  const parent = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
  const traceparent = `00-${parent.traceId}-${parent.spanId}-01`;
  await tracing?.call({ name: 'prepareTemplate' }, async (end) => end(200, { templateId: 'a' }));
  await tracing?.call({ name: 'listHosts' }, async (end) => end(200, {}));
  await tracing?.call({ name: 'listZones', traceparent }, async (end) => end(530, {}));
  await tracing?.close();
  expect(collector.spans()).toMatchObject([
    {
      service: 'bypass-api',
      name: 'prepareTemplate',
      attributes: { 'http.response.status_code': '200', 'bypass.templateId': 'a' },
      failed: false,
    },
    { name: 'listZones', traceId: parent.traceId, parentSpanId: parent.spanId, failed: true },
  ]);
});

if (isFullRun)
  test('a deployment is one trace, from the call to the request at the origin', async () => {
    const lab = await openEndToEnd({ hosts: 1, env: { BYPASS_OTLP_ENDPOINT: collector.url } });
    try {
      lab.server.serve('/traced', { body: rawDisk(70_000) });
      const { id } = await lab.register({ url: lab.server.url('/traced') });
      await lab.deploy(id);
      const all = await until('the last span has come', () => {
        const of = traceOf('prepareTemplate');
        const ended = of.filter(({ name }) => name === 'RunActivity:finishCopy' || name === 'fetch');
        return ended.length === 2 ? of : undefined;
      });
      expect(wayTo(all, ({ name }) => name === 'fetch')).toEqual([
        'bypass-api prepareTemplate',
        'bypass-api SignalWithStartWorkflow:rollout',
        'bypass-control RunActivity:advanceRollout',
        'bypass-control SignalWithStartWorkflow:deployment',
        'bypass-host RunActivity:download',
        'bypass-host fetch',
      ]);
      const fetched = all.find(({ name }) => name === 'fetch');
      expect(fetched?.attributes).toMatchObject({
        'url.full': lab.server.url('/traced'),
        'bypass.bytes': '70000',
      });
      expect(all.find(({ name }) => name === 'RunActivity:download')?.attributes).toMatchObject({
        'bypass.templateId': id,
        'bypass.poolId': lab.pool.id,
      });
      expect(collector.spans().filter(({ name }) => /upkeep|watchHosts|join/.test(name))).toEqual([]);
    } finally {
      await lab.close();
    }
  }, 120_000);

const traceOf = (name: string): readonly ReceivedSpan[] => {
  const call = collector.spans().findLast((span) => span.name === name);
  return collector.spans().filter(({ traceId }) => traceId === call?.traceId);
};

/** From the beginning of the trace to this span. */
function wayTo(all: readonly ReceivedSpan[], is: (span: ReceivedSpan) => boolean): readonly string[] {
  const way: string[] = [];
  for (let span = all.find(is); span !== undefined;) {
    way.unshift(`${span.service} ${span.name}`);
    const { parentSpanId } = span;
    span = all.find(({ spanId }) => spanId === parentSpanId);
  }
  return way;
}
