/**
 * Why a deployment waits and until when, why it failed, what is wrong with its copy, or which user stopped it; the event
 * first, addresses last.
 */
import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Deployment } from '../../model/api-answers.ts';
import { bytes } from '../elements/quantities.ts';
import { inShort, readable } from '../elements/sentence.ts';
import { Time } from '../elements/time.tsx';
import { failureOf, wordsOf } from './failure-words.ts';
import { keptBytes } from './situation.ts';

export interface ReasonProps {
  readonly of: Deployment;
  /** Maximum number of lines, for a row of a list. */
  readonly lines?: number;
}

export function Reason({ of, lines }: ReasonProps): ReactNode {
  const reason = reasonOf(of);
  const kind = failureOf(of);
  if (reason === undefined) return null;
  return (
    <>
      {kind !== undefined && (
        <Text size="sm" mt={4} fw={600}>
          {wordsOf(kind)}
        </Text>
      )}
      <Text
        size="sm"
        mt={4}
        className="long"
        {...(lines === undefined ? {} : { lineClamp: lines, title: reason })}
      >
        {lines === undefined ? readable(reason) : inShort(reason)}
      </Text>
      {of.nexttry !== undefined && (
        <Text size="sm" c="dimmed">
          next try <Time of={of.nexttry} />
        </Text>
      )}
    </>
  );
}

function reasonOf(of: Deployment): string | undefined {
  const { state, waitreason, error, cancelledby, ahead } = of;
  if (state === 'Ready') return error;
  if (waitreason !== undefined) return waitreason;
  if (ahead !== undefined) return ahead === 0 ? 'next in turn' : `${ahead} before it`;
  if (state === 'Failed') return error;
  if (cancelledby === undefined) return undefined;
  const kept = keptBytes(of);
  return kept === 0
    ? `by ${cancelledby}`
    : `by ${cancelledby}; ${bytes(kept)} stay on the pool: Retry goes on from there, Remove frees the space`;
}
