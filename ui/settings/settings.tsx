/** Settings of all zones, or of one. */
import { Badge, Card, Group, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { useList } from '../api/queries.ts';
import type { Configuration, Zone } from '../../model/api-answers.ts';
import { ActionButton } from '../elements/action-button.tsx';
import { Dialog } from '../elements/dialog.tsx';
import { Empty } from '../elements/empty.tsx';
import { FilterSelect, SearchField, useFilters } from '../elements/filters.tsx';
import { Trouble } from '../elements/trouble.tsx';
import { ViewHead } from '../elements/view-head.tsx';
import { Waiting } from '../elements/waiting.tsx';
import { SettingForm } from './setting-form.tsx';

export default function Settings(): ReactNode {
  const { keyword, chosen } = useFilters();
  const zones = useList<Zone>('listZones', 'zone').data?.rows ?? [];
  const places = [
    { value: '', label: 'All zones' },
    ...zones.map(({ id, name }) => ({ value: id, label: `Zone ${name}` })),
  ];
  const zoneid = chosen('zone', places);
  const { data, error, isLoading } = useList<Configuration>('listConfigurations', 'configuration', {
    zoneid,
    keyword,
  });
  const where = places.find(({ value }) => value === zoneid)?.label ?? 'All zones';
  // Global settings cannot be set for one zone.
  const rows = (data?.rows ?? []).filter(({ scope }) => zoneid === '' || scope === 'Zone');
  return (
    <>
      <ViewHead title="Settings" />
      <Group mb="md" gap="sm" className="filters">
        <SearchField label="Search by name" placeholder="Part of a name" />
        <FilterSelect label="Zone" name="zone" choices={places} />
      </Group>
      <Trouble error={error} />
      {isLoading ? (
        <Waiting />
      ) : rows.length === 0 ? (
        <Empty title="No setting is like that">Choose another filter.</Empty>
      ) : (
        <Stack gap="sm">
          {rows.map((setting) => (
            <SettingCard key={setting.name} setting={setting} zoneid={zoneid} where={where} />
          ))}
        </Stack>
      )}
    </>
  );
}

interface SettingProps {
  readonly setting: Configuration;
  /** Empty: all zones. */
  readonly zoneid: string;
  readonly where: string;
}

function SettingCard({ setting, zoneid, where }: SettingProps): ReactNode {
  const { name, value, defaultvalue, description, scope } = setting;
  const isOwn = value !== defaultvalue;
  return (
    <Card withBorder component="article" aria-label={name} padding="sm">
      <Group justify="space-between" align="flex-start">
        <div>
          <Title order={2} size="h5" className="long">
            {name}
          </Title>
          <Text size="sm" c="dimmed" maw={720}>
            {description}
          </Text>
          <Group gap="xs" mt="xs">
            <code className="long">{value === '' ? '(empty)' : value}</code>
            {isOwn ? (
              <Text size="sm" c="dimmed" className="long">
                where nothing is set: {defaultvalue === '' ? '(empty)' : defaultvalue}
              </Text>
            ) : (
              <Badge variant="default" tt="none">
                default
              </Badge>
            )}
            {scope === 'Global' && (
              <Badge variant="default" tt="none">
                for all zones together
              </Badge>
            )}
          </Group>
        </div>
        <Group gap="xs">
          {isOwn && (
            <ActionButton
              label="Reset"
              name={`Reset ${name}`}
              command="resetConfiguration"
              values={{ name, zoneid }}
              done={`${name} holds as it did before it was set`}
            />
          )}
          <Dialog
            label="Change"
            name={`Change ${name}`}
            title={`${name}: ${where}`}
            size="compact-sm"
            variant="light"
          >
            {(close) => <SettingForm setting={setting} zoneid={zoneid} onDone={close} />}
          </Dialog>
        </Group>
      </Group>
    </Card>
  );
}
