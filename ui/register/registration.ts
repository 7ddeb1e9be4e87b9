/** Registers a template or ISO, waits for the verdict on its URL however slow the source is, and deploys it. */
import { useMutation, type UseMutationResult } from '@tanstack/react-query';
import { apiCodes } from '../../model/api-codes.ts';
import { ApiFailure, call, type Values } from '../api/client.ts';
import { useChanged } from '../api/queries.ts';
import type { RecordedEvent, Template } from '../../model/api-answers.ts';
import { deploy, type Place } from '../deployments/deploy.ts';
import type { Kind } from '../templates/kind.ts';

export interface Order {
  readonly values: Values;
  /** Deploys the template once it is ready. @param rows rows of the template, one per zone */
  readonly placesOf: (rows: readonly Template[]) => readonly Place[];
}

type Answer = Readonly<Record<string, readonly Template[] | undefined>>;

/** Milliseconds between requests for the state of a registration. */
const EVERY = 1000;

export interface Registered {
  readonly template: Template;
  /** Why the registered template was not deployed. */
  readonly notDeployed?: Error;
}

export function useRegistration(kind: Kind): UseMutationResult<Registered, Error, Order> {
  const changed = useChanged();
  return useMutation({
    mutationFn: async ({ values, placesOf }: Order) => {
      const answer = await call<Answer>(kind.register, values);
      const rows = await checked(kind, answer[kind.key] ?? []);
      const [template] = rows;
      if (template === undefined)
        throw new ApiFailure(apiCodes.internal, 'The api answered with no template.');
      return deploy(template.id, placesOf(rows)).then(
        () => ({ template }),
        (error: Error) => ({ template, notDeployed: error }),
      );
    },
    onSettled: changed,
  });
}

/** @throws ApiFailure with the verdict, when the URL was refused */
async function checked(kind: Kind, first: readonly Template[]): Promise<readonly Template[]> {
  let rows = first;
  for (;;) {
    const [template] = rows;
    if (template === undefined || template.isready) return rows;
    await new Promise((resolve) => void setTimeout(resolve, EVERY));
    const { id } = template;
    rows = (await call<Answer>(kind.list, { [kind.filter]: 'self', id }).catch(noneThere))[kind.key] ?? [];
    if (rows.length === 0) throw new ApiFailure(apiCodes.internal, await verdictOn(id), { parameter: 'url' });
  }
}

function noneThere(error: unknown): Answer {
  if (error instanceof ApiFailure && error.kind === 'NoSuchEntity') return {};
  throw error;
}

async function verdictOn(resourceid: string): Promise<string> {
  const { event = [] } = await call<{ readonly event?: readonly RecordedEvent[] }>('listEvents', {
    resourceid,
    page: 1,
    pagesize: 5,
  });
  return (
    event.find(({ level }) => level !== 'INFO')?.description ??
    'It was not registered; see the events for why.'
  );
}
