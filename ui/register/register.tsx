/** Registers a template or an ISO. A refusal keeps the input, and appears beside the field that it concerns. */
import { Alert, SimpleGrid, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type ReactNode, useState } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import { useList } from '../api/queries.ts';
import { useIsAdmin } from '../api/session.ts';
import type { Template, Zone } from '../../model/api-answers.ts';
import { Form } from '../elements/form.tsx';
import { Missing } from '../elements/missing.tsx';
import { refusalOf } from '../elements/refusal.ts';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import type { Kind } from '../templates/kind.ts';
import { CheckButton, CheckFound, useCheck } from './check.tsx';
import { Checking } from './checking.tsx';
import { DeployField, placesOf } from './deploy-field.tsx';
import { fieldOf, FIELDS } from './field-of.ts';
import { ALL_ZONES, BLANK, formOf, type RegisterForm, sourceOf, valuesOf } from './form.ts';
import { HeadersField } from './headers-field.tsx';
import { Naming, Options, type PartProps, Platform, Source, ZoneField } from './parts.tsx';
import { type Registered, useRegistration } from './registration.ts';

export function Register({ kind }: { readonly kind: Kind }): ReactNode {
  const [search] = useSearchParams();
  const from = search.get('from');
  return from === null ? <Sheet kind={kind} initial={BLANK} /> : <Again kind={kind} id={from} />;
}

/** The form, filled as for an earlier registration. */
function Again({ kind, id }: { readonly kind: Kind; readonly id: string }): ReactNode {
  const { data, error } = useList<Template>(kind.list, kind.key, { [kind.filter]: 'executable', id });
  if (data === undefined && error === null) return <Waiting />;
  if (data === undefined || data.rows.length === 0) return <Missing error={error} />;
  return <Sheet key={id} kind={kind} initial={formOf(data.rows)} again={data.rows[0]?.name} />;
}

interface SheetProps {
  readonly kind: Kind;
  readonly initial: RegisterForm;
  /** Name of the template that is registered again. */
  readonly again?: string | undefined;
}

function Sheet({ kind, initial, again }: SheetProps): ReactNode {
  const [form, setForm] = useState(initial);
  const [customid, setCustomid] = useState('');
  const [, go] = useLocation();
  const isAdmin = useIsAdmin();
  const list = useList<Zone>('listZones', 'zone');
  const zones = list.data?.rows ?? [];
  const register = useRegistration(kind);
  const check = useCheck();
  const refusal = refusalOf(register.error ?? check.error, FIELDS, fieldOf);
  const everyZone = isAdmin ? [ALL_ZONES] : zones.map(({ id }) => id);
  // Until then a form without a chosen zone would be sent without any.
  const awaitsZones = !isAdmin && list.isPending;
  const change = (changes: Partial<RegisterForm>): void => {
    // The result of a check belongs to the previous input.
    check.reset();
    setForm((before) => ({ ...before, ...changes }));
  };
  const submit = (): void => {
    const key = crypto.randomUUID?.() ?? String(Math.random());
    check.reset();
    setCustomid(key);
    register.mutate(
      {
        values: { ...valuesOf(kind, form, everyZone), customid: key },
        placesOf: (rows) => placesOf(form.pools, rows),
      },
      {
        onSuccess(registered) {
          sayRegistered(registered, form.pools.length > 0);
          go(`${kind.path}/${registered.template.id}`);
        },
      },
    );
  };
  const parts: PartProps = { kind, form, change, refusal };
  return (
    <>
      <ViewHead title={`Register ${kind.iso ? 'an ISO' : 'a template'}`} />
      <Form
        refusal={refusal}
        submit="Register"
        isPending={register.isPending || awaitsZones}
        back={kind.path}
        maxWidth={820}
        buttons={
          <CheckButton
            check={check}
            onStart={register.reset}
            values={sourceOf(kind, form, everyZone)}
            disabled={form.url === '' || awaitsZones}
          />
        }
        onSubmit={submit}
      >
        {again !== undefined && (
          <Alert variant="light" color="cyan" title={`As ${again}`}>
            It is filled as {again} was registered; HTTP headers and the query of the URL are secret, and are
            to be typed again. {again} stays until it is deleted.
          </Alert>
        )}
        <Source {...parts} />
        {check.found !== undefined && <CheckFound of={check.found} />}
        {register.isPending && customid !== '' && <Checking customid={customid} />}
        <Naming {...parts} />
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <Platform {...parts} />
        </SimpleGrid>
        <ZoneField {...parts} zones={zones} />
        <HeadersField
          rows={form.headers}
          error={refusal.of('details')}
          onChange={(headers) => change({ headers })}
        />
        <Options {...parts} />
        {isAdmin ? (
          <DeployField form={form} change={change} />
        ) : (
          <Text size="sm" c="dimmed">
            Once it is registered, an administrator deploys it to storage pools.
          </Text>
        )}
      </Form>
    </>
  );
}

function sayRegistered({ template: { name }, notDeployed }: Registered, isToDeploy: boolean): void {
  notifications.show({
    message: `${name} is registered${isToDeploy && notDeployed === undefined ? ' and on its way' : ''}`,
  });
  if (notDeployed !== undefined) {
    notifications.show({
      color: 'red',
      title: `${name} was not deployed`,
      message: notDeployed.message,
      autoClose: false,
    });
  }
}
