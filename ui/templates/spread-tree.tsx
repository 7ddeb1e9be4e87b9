/** Who took a template from whom: the origin first, and below each copy those that were taken from it. */
import { Anchor, Group, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { Deployment } from '../../model/api-answers.ts';
import { situationOf } from '../deployments/situation.ts';
import { bytes } from '../elements/quantities.ts';
import { StateBadge } from '../elements/state-badge.tsx';

/** Nothing, as long as every copy comes from the origin. */
export function SpreadTree({ of }: { readonly of: readonly Deployment[] }): ReactNode {
  const begun = of.filter(({ depth }) => depth !== undefined);
  if (!begun.some(({ depth = 0 }) => depth > 0)) return null;
  const known = new Set(begun.map(({ id }) => id));
  const isRoot = ({ sourcedeploymentid }: Deployment): boolean =>
    sourcedeploymentid === undefined || !known.has(sourcedeploymentid);
  const sent = begun.reduce((sum, { originbytes }) => sum + originbytes, 0);
  return (
    <section aria-label="Who took it from whom">
      <Title order={2} size="h4" mb="sm">
        Who took it from whom
      </Title>
      <Text mb="xs">
        The origin has sent {bytes(sent)} for {begun.length} copies.
      </Text>
      <Branches of={begun.filter(isRoot)} all={begun} />
    </section>
  );
}

interface BranchesProps {
  readonly of: readonly Deployment[];
  readonly all: readonly Deployment[];
}

function Branches({ of, all }: BranchesProps): ReactNode {
  if (of.length === 0) return null;
  return (
    <ul>
      {of.map((copy) => (
        <li key={copy.id}>
          <Leaf of={copy} />
          <Branches of={all.filter(({ sourcedeploymentid }) => sourcedeploymentid === copy.id)} all={all} />
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
