/** The files for Prometheus and Grafana; test/end-to-end/monitoring.ts checks that the metrics that they name exist. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { PROJECT_ROOT } from '../../platform/installation.ts';
import { monitoringDocument } from '../../workers/monitoring-document.ts';
import { findProgram, needing } from '../support/programs.ts';

const ALERTS = join(PROJECT_ROOT, 'deploy/prometheus-alerts.yml');

interface Alert {
  readonly alert: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

test('docs/monitoring.md is as `npm run docs` writes it', async () => {
  if ((await readFile(join(PROJECT_ROOT, 'docs/monitoring.md'), 'utf8')) !== monitoringDocument())
    throw new Error('docs/monitoring.md is not what it should be: npm run docs');
});

test('each alert says what happened and what to do', async () => {
  const { groups } = parse(await readFile(ALERTS, 'utf8')) as {
    readonly groups: readonly { readonly rules: readonly Alert[] }[];
  };
  for (const { alert, labels, annotations } of groups.flatMap(({ rules }) => rules)) {
    expect([alert, labels.severity]).toEqual([alert, expect.stringMatching(/^(?:warning|critical)$/)]);
    for (const text of [annotations.summary, annotations.runbook])
      expect([alert, text]).toEqual([alert, expect.stringMatching(/^[^]{20,}\.$/)]);
  }
});

const promtool = (...args: readonly string[]) =>
  promisify(execFile)(findProgram('promtool') ?? '', [...args]);

needing('promtool')('with promtool', () => {
  test('the alert rules are right', async () => {
    const { stdout } = await promtool('check', 'rules', ALERTS);
    expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
  });

  test('the expressions of the dashboard are right', async () => {
    const { panels } = JSON.parse(
      await readFile(join(PROJECT_ROOT, 'deploy/grafana-dashboard.json'), 'utf8'),
    ) as { readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[] };
    const rules = panels
      .flatMap(({ targets }) => targets)
      .map(({ expr }, index) => ({ record: `panel:${index}`, expr }));
    const folder = await mkdtemp(join(tmpdir(), 'bypass-dashboard-'));
    try {
      const file = join(folder, 'rules.yml');
      await writeFile(file, stringify({ groups: [{ name: 'dashboard', rules }] }));
      expect((await promtool('check', 'rules', file)).stdout).toContain(
        `SUCCESS: ${rules.length} rules found`,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
