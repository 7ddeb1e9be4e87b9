import { type ReactNode } from 'react';

/** A definition list of names and values. Unknown values are omitted. */
export function Facts({ of }: { readonly of: Readonly<Record<string, ReactNode>> }): ReactNode {
  return (
    <dl className="facts">
      {Object.entries(of)
        .filter(([, value]) => value !== undefined && value !== null && value !== '')
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="long">{value}</dd>
          </div>
        ))}
    </dl>
  );
}
