/** Checks the URL of the form by a host, without registering anything. */
import { Alert, Button, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Values } from '../api/client.ts';
import { useCommand } from '../api/queries.ts';
import type { Mirror } from '../../model/api-answers.ts';
import { Facts } from '../elements/facts.tsx';
import { InspectionFacts } from '../elements/inspection.tsx';
import { bytes } from '../elements/quantities.ts';
import { Verdict } from './verdict.tsx';

interface Source {
  readonly size: number;
  readonly virtualsize?: number;
  readonly compression?: string;
  readonly checksum?: string;
  readonly hostname?: string;
  readonly mirror: readonly Mirror[];
}

export interface Check {
  readonly start: (values: Values) => void;
  readonly isPending: boolean;
  readonly error: Error | null;
  readonly found: Source | undefined;
  readonly reset: () => void;
}

export function useCheck(): Check {
  const { mutate, isPending, error, data, reset } = useCommand<{ readonly templatesource: Source }>(
    'checkTemplateSource',
  );
  return { start: mutate, isPending, error, found: data?.templatesource, reset };
}

export interface CheckButtonProps {
  readonly check: Check;
  readonly values: Values;
  /** Clears the refusal of a registration. */
  readonly onStart: () => void;
  readonly disabled: boolean;
}

export function CheckButton({ check, values, onStart, disabled }: CheckButtonProps): ReactNode {
  return (
    <Button
      variant="light"
      loading={check.isPending}
      disabled={disabled}
      onClick={() => {
        onStart();
        check.start(values);
      }}
    >
      Check
    </Button>
  );
}

export function CheckFound({ of }: { readonly of: Source }): ReactNode {
  const inspected = of.mirror.find(({ reachable, inspection }) => reachable && inspection !== undefined);
  return (
    <Alert variant="light" color="teal" role="status" title="It can be registered">
      <Stack gap="xs">
        {of.mirror.map((one) => (
          <Verdict key={one.url} of={one} />
        ))}
        <Facts
          of={{
            'Size of the file': bytes(of.size),
            'Size for a VM':
              of.virtualsize === undefined ? 'known once it is unpacked' : bytes(of.virtualsize),
            Packed: of.compression,
            'Checked by': of.hostname,
          }}
        />
        {inspected?.inspection !== undefined && <InspectionFacts of={inspected.inspection} />}
        <Text size="sm">Nothing is registered yet.</Text>
      </Stack>
    </Alert>
  );
}
