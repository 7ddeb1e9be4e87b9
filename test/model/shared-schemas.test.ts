import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../model/messages', import.meta.url));

const isOpenSchema = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && '_zod' in value;

/** Runs of workflows share these modules (workflows/shared.ts), frozen: a schema that is an object would fail at its first use. */
test.each(readdirSync(FOLDER))('%s exports no schema that would be frozen', async (name) => {
  const exported = Object.entries((await import(`../../model/messages/${name}`)) as Record<string, unknown>);
  const reached = exported.flatMap(([key, value]) =>
    typeof value === 'object' && value !== null
      ? [
          [key, value] as const,
          ...Object.entries(value).map(([field, one]) => [`${key}.${field}`, one] as const),
        ]
      : [],
  );
  expect(reached.filter(([, value]) => isOpenSchema(value)).map(([key]) => key)).toEqual([]);
});
