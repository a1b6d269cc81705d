CREATE TABLE `usage` (
	`day` integer NOT NULL,
	`organization_id` text NOT NULL,
	`events` integer NOT NULL,
	`deliveries` integer NOT NULL,
	`attempts` integer NOT NULL,
	PRIMARY KEY(`day`, `organization_id`)
);
--> statement-breakpoint
CREATE TABLE `usage_told` (
	`day` integer NOT NULL,
	`source` text NOT NULL,
	`events` integer NOT NULL,
	`deliveries` integer NOT NULL,
	`attempts` integer NOT NULL,
	PRIMARY KEY(`day`, `source`)
);
