// Read by docker-compose.yml and by this overlay. The mongo image runs it once, on a new volume.
// Each service gets a user that reads and writes its own database and sees no other.
const users = JSON.parse(require("fs").readFileSync("/run/secrets/users.json", "utf8"));

// The trail is only ever added to: not even the audit service may change or delete an entry.
const trail = {
  role: "trail",
  roles: [],
  privileges: [
    {
      resource: { db: "hub_audit", collection: "entries" },
      actions: ["find", "insert", "createCollection", "createIndex"],
    },
    {
      resource: { db: "hub_audit", collection: "state" },
      actions: ["find", "insert", "update", "createCollection"],
    },
  ],
};

db.getSiblingDB("hub_audit").createRole(trail);
for (const [service, pwd] of Object.entries(users)) {
  const role = service === "audit" ? "trail" : "readWrite";
  db.getSiblingDB(`hub_${service}`).createUser({ user: service, pwd, roles: [role] });
}
