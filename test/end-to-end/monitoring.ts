/** What the processes of an installation export for Prometheus, and what the alert rules and the dashboard read of it. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { METRICS } from '../../model/metrics.ts';
import type { Metric, MetricProcess } from '../../model/metrics.ts';
import { copyWorkflowId } from '../../model/names.ts';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import type { EndToEnd } from '../labs/end-to-end.ts';
import { rawDisk } from '../support/images.ts';
import { until } from '../support/until.ts';

/** Families by name, of one scrape. */
interface Scrape {
  readonly text: string;
  readonly names: ReadonlySet<string>;
}

async function scrapeOne(pid: number | undefined): Promise<Scrape> {
  const environment = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
  const port = environment.find((entry) => entry.startsWith('BYPASS_HEALTH_PORT='))?.split('=')[1];
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  const text = await answer.text();
  expect([answer.status, text.length > 0]).toEqual([200, true]);
  return { text, names: new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name as string)) };
}

/** What all processes of a kind tell: a call is counted by the one that answers it. */
async function scrape(pids: readonly (number | undefined)[]): Promise<Scrape> {
  const scrapes = await Promise.all(pids.map((pid) => scrapeOne(pid)));
  return {
    text: scrapes.map(({ text }) => text).join('\n'),
    names: new Set(scrapes.flatMap(({ names }) => [...names])),
  };
}

const readInstalled = (file: string): Promise<string> => readFile(join(PROJECT_ROOT, file), 'utf8');

/** The metrics that the files for Prometheus and Grafana read. */
async function namesInFiles(): Promise<Readonly<Record<string, readonly string[]>>> {
  const [alerts, dashboard] = ['deploy/prometheus-alerts.yml', 'deploy/grafana-dashboard.json'] as const;
  const { groups } = parse(await readInstalled(alerts)) as Rules;
  const { panels } = JSON.parse(await readInstalled(dashboard)) as Dashboard;
  return {
    [alerts]: namesIn(groups.flatMap(({ rules }) => rules)),
    [dashboard]: namesIn(panels.flatMap(({ targets }) => targets)),
  };
}

interface Expression {
  readonly expr: string;
}
interface Rules {
  readonly groups: readonly { readonly rules: readonly Expression[] }[];
}
interface Dashboard {
  readonly panels: readonly { readonly targets: readonly Expression[] }[];
}

type Line = Readonly<Record<string, string | undefined>>;

/** Each expression names at least one. */
const namesIn = (expressions: readonly Expression[]): readonly string[] =>
  expressions
    .filter(({ expr }) => !expr.startsWith('up{'))
    .flatMap(({ expr }) => {
      const names = expr.replaceAll(/\{[^}]*\}|by \([^)]*\)/g, '').match(/\b(?:bypass|temporal)_\w+/g);
      if (names === null) throw new Error(`there is no metric in ${expr}`);
      return names.map((name) => name.replace(/_bucket$/, ''));
    });

export function monitoring(lab: () => EndToEnd): void {
  const scrapeAll = async (): Promise<Readonly<Record<MetricProcess, Scrape>>> => {
    const { apis, controls, hosts } = lab().pids();
    return { api: await scrape(apis), control: await scrape(controls), host: await scrape([hosts[0]]) };
  };

  test('each process exports its metrics, with what it did', async () => {
    const { server } = lab();
    server.serve('/metrics.img', { body: rawDisk(70_000) });
    const template = await lab().register({ url: server.url('/metrics.img') });
    await lab().deploy(template.id);
    await until('the figures are read anew', async () =>
      /^bypass_hosts\{resource_state="Enabled",state="Up",zone="zone1"\} 1$/m.test(
        (await scrapeAll()).control.text,
      ),
    );
    const scrapes = await scrapeAll();
    for (const [name, { of }] of Object.entries<Metric>(METRICS))
      for (const [process, { names }] of Object.entries(scrapes))
        expect([name, process, names.has(name)]).toEqual([name, process, of.some((one) => one === process)]);
    expect(scrapes.api.text).toMatch(
      /^bypass_api_calls_total\{code="200",command="registerTemplate"\} [1-9]/m,
    );
    expect(scrapes.api.text).toMatch(/^bypass_api_call_duration_seconds_bucket\{le="\+Inf"\} [1-9]/m);
    expect(scrapes.control.text).toMatch(/^bypass_fetched_bytes_total\{source="origin"\} [1-9]/m);
    expect(scrapes.host.text).toMatch(/^bypass_probe_verdicts_total\{verdict="reachable"\} [1-9]/m);
    expect(scrapes.host.text).toMatch(/^bypass_host_downloads\{phase="publishing"\} 0$/m);
    const exported = new Set(Object.values(scrapes).flatMap(({ names }) => [...names]));
    for (const [file, names] of Object.entries(await namesInFiles()))
      expect([file, names.filter((name) => !exported.has(name))]).toEqual([file, []]);
  });

  test('the logs of api, control worker and host tell template, pool, host and workflow of a failed download', async () => {
    const { server, pool } = lab();
    server.serve('/logged.img', { body: rawDisk(70_000) });
    const checksum = `{SHA-256}${'0'.repeat(64)}`;
    const { id: templateId } = await lab().register({ url: server.url('/logged.img'), checksum });
    await lab().job(await lab().prepare(templateId, pool.id));
    const workflowId = copyWorkflowId(templateId, pool.id);
    const copy = { templateId, poolId: pool.id };
    const [host] = await lab().hosts();
    const found = await until('all have written it', async () => {
      const lines = await linesAbout(templateId);
      const of = (name: string, word: string) =>
        lines.find(({ process, msg, command }) => process === name && (msg === word || command === word));
      const told = [
        of('api', 'prepareTemplate'),
        of('control', 'Workflow failed'),
        of('host', 'download failed'),
      ];
      return told.every((line) => line !== undefined) ? told : undefined;
    });
    expect(found).toMatchObject([copy, { ...copy, workflowId }, { ...copy, workflowId, hostId: host?.id }]);
  });

  async function linesAbout(text: string): Promise<readonly Line[]> {
    const folder = join(lab().stack.dataDir, 'logs');
    const files = await Promise.all(
      (await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')),
    );
    const lines = files.join('\n').split('\n');
    return lines
      .filter((line) => line.startsWith('{') && line.includes(text))
      .map((line) => JSON.parse(line) as Line);
  }
}
