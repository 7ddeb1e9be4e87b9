/** Who copied a template from whom: those from the origin first, and below each copy those that were made from it. */
import { Anchor, Group, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Deployment } from '../../model/api-answers.ts';
import { situationOf } from '../deployments/situation.ts';
import { bytes } from '../elements/quantities.ts';
import { StateBadge } from '../elements/state-badge.tsx';
import { spreadOf } from './spread.ts';
import type { Branch } from './spread.ts';

/** Nothing, as long as every copy comes from the origin. */
export function SpreadTree({ of }: { readonly of: readonly Deployment[] }): ReactNode {
  const { roots, count, sent } = spreadOf(of);
  if (roots.every(({ copy, children }) => copy.depth === 0 && children.length === 0)) return null;
  return (
    <section aria-label="Who copied it from whom">
      <Title order={2} size="h4" mb="sm">
        Who copied it from whom
      </Title>
      <Text mb="xs">
        The origin has sent {bytes(sent)} for {count} copies.
      </Text>
      <Branches of={roots} />
    </section>
  );
}

function Branches({ of }: { readonly of: readonly Branch[] }): ReactNode {
  if (of.length === 0) return null;
  return (
    <ul>
      {of.map(({ copy, children }) => (
        <li key={copy.id}>
          <Leaf of={copy} />
          <Branches of={children} />
        </li>
      ))}
    </ul>
  );
}

function Leaf({ of }: { readonly of: Deployment }): ReactNode {
  const { mood, word } = situationOf(of);
  return (
    <Group gap="xs">
      <Anchor component={Link} href={`/deployments/${of.id}`} className="long">
        {of.hostname ?? of.storagename}
      </Anchor>
      <StateBadge mood={mood}>{word}</StateBadge>
    </Group>
  );
}
