// Read by docker-compose.yml and by this overlay. The mongo image runs it once, on a new volume.
// Each service gets a user that reads and writes its own database and sees no other.
const users = JSON.parse(require("fs").readFileSync("/run/secrets/users.json", "utf8"));

// The trail is only ever added to: not even the audit service may change or delete an entry, a tile
// or a checkpoint. What it sends (queries, faults, keys, exports, tallies, losses) has an outbox that it updates.
const trail = {
  role: "trail",
  roles: [],
  privileges: [
    {
      resource: { db: "hub_audit", collection: "entries" },
      actions: ["find", "insert", "createCollection", "createIndex"],
    },
    {
      resource: { db: "hub_audit", collection: "tiles" },
      actions: ["find", "insert", "createCollection", "createIndex"],
    },
    {
      resource: { db: "hub_audit", collection: "checkpoints" },
      actions: ["find", "insert", "createCollection"],
    },
    {
      resource: { db: "hub_audit", collection: "state" },
      actions: ["find", "insert", "update", "createCollection"],
    },
    {
      resource: { db: "hub_audit", collection: "queries" },
      actions: ["find", "insert", "update", "remove", "createCollection", "createIndex"],
    },
    {
      resource: { db: "hub_audit", collection: "faults" },
      actions: ["find", "insert", "update", "createCollection", "createIndex"],
    },
    {
      resource: { db: "hub_audit", collection: "keys" },
      actions: ["find", "insert", "update", "createCollection", "createIndex"],
    },
    {
      resource: { db: "hub_audit", collection: "exports" },
      actions: ["find", "insert", "update", "createCollection", "createIndex"],
    },
    {
      resource: { db: "hub_audit", collection: "tallies" },
      actions: ["find", "insert", "update", "createCollection", "createIndex"],
    },
    {
      resource: { db: "hub_audit", collection: "tally_turns" },
      actions: ["find", "insert", "update", "createCollection"],
    },
    {
      resource: { db: "hub_audit", collection: "sent" },
      actions: ["find", "insert", "update", "remove", "createCollection", "createIndex"],
    },
    {
      resource: { db: "hub_audit", collection: "cosignatures" },
      actions: ["find", "insert", "update", "createCollection"],
    },
    {
      resource: { db: "hub_audit", collection: "losses" },
      actions: ["find", "insert", "update", "createCollection", "createIndex"],
    },
    {
      resource: { db: "hub_audit", collection: "asked_again" },
      actions: ["find", "insert", "update", "createCollection", "createIndex"],
    },
    {
      resource: { db: "hub_audit", collection: "parked" },
      actions: ["find", "insert", "update", "createCollection", "createIndex"],
    },
    {
      resource: { db: "hub_audit", collection: "completeness" },
      actions: ["find", "insert", "update", "createCollection"],
    },
  ],
};

db.getSiblingDB("hub_audit").createRole(trail);
for (const [service, pwd] of Object.entries(users)) {
  const role = service === "audit" ? "trail" : "readWrite";
  db.getSiblingDB(`hub_${service}`).createUser({ user: service, pwd, roles: [role] });
}
