/** A link to the resource that a job works on. */
import { Anchor } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { useIsAdmin } from '../api/session.ts';

const PAGES: Readonly<
  Record<string, { readonly path: string; readonly word: string; readonly adminOnly: boolean }>
> = {
  Template: { path: '/templates', word: 'template', adminOnly: false },
  Iso: { path: '/isos', word: 'ISO', adminOnly: false },
  VirtualMachine: { path: '/instances', word: 'instance', adminOnly: false },
  Host: { path: '/hosts', word: 'host', adminOnly: true },
  StoragePool: { path: '/pools', word: 'storage pool', adminOnly: true },
  Account: { path: '/accounts', word: 'account', adminOnly: true },
};

export function ResourceLink({
  type = '',
  id,
  name,
}: {
  readonly type?: string | undefined;
  readonly id?: string | undefined;
  /** Text of the link. Default: the word for the kind of resource. */
  readonly name?: string | undefined;
}): ReactNode {
  const isAdmin = useIsAdmin();
  const page = PAGES[type];
  if (page === undefined || id === undefined || (page.adminOnly && !isAdmin)) return page?.word ?? type;
  return (
    <Anchor component={Link} href={`${page.path}/${id}`}>
      {name ?? page.word}
    </Anchor>
  );
}
