/**
 * 10: figures of the past, by slots of time (base/trend-slot). `length` is a slot's in ms, `at` its begin in
 * Unix ms.
 */
export const trends = `
CREATE TABLE trends (
  length INTEGER NOT NULL CHECK (length > 0),
  at INTEGER NOT NULL CHECK (at % length = 0),
  covered_ms INTEGER NOT NULL,
  session_ms INTEGER NOT NULL,
  held_ms INTEGER NOT NULL,
  incident_ms INTEGER NOT NULL,
  processor_ms INTEGER NOT NULL,
  workers_ms INTEGER NOT NULL,
  log_ins INTEGER NOT NULL,
  refusals INTEGER NOT NULL,
  received_octets INTEGER NOT NULL,
  sent_octets INTEGER NOT NULL,
  received_packets INTEGER NOT NULL,
  sent_packets INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  sessions_max INTEGER NOT NULL,
  connections_max INTEGER NOT NULL,
  held_max INTEGER NOT NULL,
  blocks_max INTEGER NOT NULL,
  resident_octets_max INTEGER NOT NULL,
  workers_octets_max INTEGER NOT NULL,
  late_ms_max INTEGER NOT NULL,
  received_per_second_max INTEGER NOT NULL,
  sent_per_second_max INTEGER NOT NULL,
  refused_per_second_max INTEGER NOT NULL,
  PRIMARY KEY (length, at)
) STRICT, WITHOUT ROWID;
`;
