/** What PostgreSQL does for the statements of a database: the plan of each, also of those that triggers and foreign keys run. */
import { sql } from 'kysely';
import * as z from 'zod/mini';
import { openDatabase } from '../../db/database.ts';
import type { Database } from '../../db/database.ts';

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string | undefined;
  readonly Plans?: readonly PlanNode[] | undefined;
}
const planNode: z.ZodMiniType<PlanNode> = z.object({
  'Node Type': z.string(),
  'Relation Name': z.optional(z.string()),
  get Plans() {
    return z.optional(z.array(planNode));
  },
});
const explained = z.object({ 'Query Text': z.string(), Plan: planNode });

export interface Scan {
  readonly table: string;
  readonly statement: string;
}

export interface WatchedDatabase {
  readonly db: Database;
  /** What was read from its first row to its last since the last call. */
  takeScans(): readonly Scan[];
  close(): Promise<void>;
}

/**
 * Opens a database, with the plans of all its statements as notices of PostgreSQL's module auto_explain.
 * @param further settings of PostgreSQL
 */
export async function watchPlans(
  admin: Database,
  url: string,
  further: Readonly<Record<string, string>> = {},
): Promise<WatchedDatabase> {
  const name = sql.id(new URL(url).pathname.slice(1));
  const settings = {
    session_preload_libraries: 'auto_explain',
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_nested_statements': 'on',
    'auto_explain.log_format': 'json',
    'auto_explain.log_level': 'notice',
    ...further,
  };
  for (const [key, value] of Object.entries(settings))
    await sql`alter database ${name} set ${sql.raw(key)} = ${sql.lit(value)}`.execute(admin);
  let scans: Scan[] = [];
  const db = openDatabase(url, {
    onNotice(message) {
      if (!message.includes('plan:')) return;
      const json = message.slice(message.indexOf('{'));
      const { 'Query Text': statement, Plan: plan } = explained.parse(JSON.parse(json));
      for (const table of scannedBy(plan)) scans.push({ table, statement });
    },
  });
  return {
    db,
    takeScans() {
      const taken = scans;
      scans = [];
      return taken;
    },
    close: () => db.destroy(),
  };
}

const scannedBy = (node: PlanNode): readonly string[] => [
  ...(node['Node Type'] === 'Seq Scan' ? [node['Relation Name'] ?? ''] : []),
  ...(node.Plans ?? []).flatMap(scannedBy),
];
