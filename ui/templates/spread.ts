/** The tree of a template's copies: each below the one that it was made from. */
import type { Deployment } from '../../model/api-answers.ts';

export interface Branch {
  readonly copy: Deployment;
  /** Copies that were made from this one. */
  readonly children: readonly Branch[];
}

export interface Spread {
  /** Copies from the origin, and those whose parent is not listed. */
  readonly roots: readonly Branch[];
  /** Copies that were begun, and bytes that the origin has sent for them. */
  readonly count: number;
  readonly sent: number;
}

export function spreadOf(copies: readonly Deployment[]): Spread {
  const begun = copies.filter(({ depth }) => depth !== undefined);
  const known = new Map(begun.map((copy) => [copy.id, copy]));
  const below = new Map<string | undefined, Deployment[]>();
  for (const copy of begun) {
    const parent = parentOf(copy, known);
    below.set(parent, [...(below.get(parent) ?? []), copy]);
  }
  const branches = (parent: string | undefined): readonly Branch[] =>
    (below.get(parent) ?? []).map((copy) => ({ copy, children: branches(copy.id) }));
  return {
    roots: branches(undefined),
    count: begun.length,
    sent: begun.reduce((sum, { originbytes }) => sum + originbytes, 0),
  };
}

/**
 * Two copies can have been made from each other: a host that gave a part of the image, and then had to begin anew, fetches from
 * one that has it meanwhile. So a copy stands only below one that is nearer to the origin.
 */
function parentOf(
  { sourcedeploymentid: id, depth = 0 }: Deployment,
  known: ReadonlyMap<string, Deployment>,
): string | undefined {
  const parent = id === undefined ? undefined : known.get(id);
  return parent?.depth !== undefined && parent.depth < depth ? id : undefined;
}
