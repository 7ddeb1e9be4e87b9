/** Links between instances and what they are made from. */
import { Anchor } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { VirtualMachine } from '../../model/api-answers.ts';

export const vmPath = ({ id }: Pick<VirtualMachine, 'id'>): string => `/instances/${id}`;

/** The template or ISO that a machine was made from. */
export function ImageLink({
  of: { templateid, templatename, templateformat },
}: {
  readonly of: VirtualMachine;
}): ReactNode {
  const folder = templateformat === 'ISO' ? 'isos' : 'templates';
  return (
    <Anchor component={Link} href={`/${folder}/${templateid}`} className="long">
      {templatename}
    </Anchor>
  );
}
