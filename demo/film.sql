-- The film rental example: schema "dvd", with the tables, columns and row counts of the well-known
-- dvdrental sample, and data made here.
--
-- The same rows at every run, on every machine: numbers come from md5, never from random() or the
-- clock. Any role with CREATE on the database runs it; it drops and makes the schema.
--     psql -X -v ON_ERROR_STOP=1 -f demo/film.sql

BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';

DROP SCHEMA IF EXISTS dvd CASCADE;
CREATE SCHEMA dvd;

CREATE TYPE dvd.mpaa_rating AS ENUM ('G', 'PG', 'PG-13', 'R', 'NC-17');
CREATE DOMAIN dvd.year AS integer CHECK (VALUE BETWEEN 1901 AND 2155);

-- 0 .. n-1, evenly spread, from a text.
CREATE FUNCTION dvd.pick(seed text, n integer) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$ SELECT ('x' || pg_catalog.substr(pg_catalog.md5(seed), 1, 7))::bit(28)::integer % n $$;

CREATE FUNCTION dvd.touch() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$ BEGIN NEW.last_update := now(); RETURN NEW; END $$;

CREATE TABLE dvd.language (
    language_id serial PRIMARY KEY,
    name character(20) NOT NULL,
    last_update timestamptz NOT NULL DEFAULT now());

CREATE TABLE dvd.category (
    category_id serial PRIMARY KEY,
    name varchar(25) NOT NULL,
    last_update timestamptz NOT NULL DEFAULT now());

CREATE TABLE dvd.actor (
    actor_id serial PRIMARY KEY,
    first_name varchar(45) NOT NULL,
    last_name varchar(45) NOT NULL,
    last_update timestamptz NOT NULL DEFAULT now());

CREATE TABLE dvd.film (
    film_id serial PRIMARY KEY,
    title varchar(255) NOT NULL,
    description text,
    release_year dvd.year,
    language_id smallint NOT NULL REFERENCES dvd.language,
    rental_duration smallint NOT NULL DEFAULT 3,
    rental_rate numeric(4,2) NOT NULL DEFAULT 4.99,
    length smallint,
    replacement_cost numeric(5,2) NOT NULL DEFAULT 19.99,
    rating dvd.mpaa_rating DEFAULT 'G',
    last_update timestamptz NOT NULL DEFAULT now(),
    special_features text[]);

CREATE TABLE dvd.film_actor (
    actor_id smallint NOT NULL REFERENCES dvd.actor,
    film_id smallint NOT NULL REFERENCES dvd.film,
    last_update timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (actor_id, film_id));

CREATE TABLE dvd.film_category (
    film_id smallint NOT NULL REFERENCES dvd.film,
    category_id smallint NOT NULL REFERENCES dvd.category,
    last_update timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (film_id, category_id));

CREATE TABLE dvd.customer (
    customer_id serial PRIMARY KEY,
    store_id smallint NOT NULL,
    first_name varchar(45) NOT NULL,
    last_name varchar(45) NOT NULL,
    email varchar(50),
    address_id smallint NOT NULL,
    activebool boolean NOT NULL DEFAULT true,
    create_date date NOT NULL DEFAULT CURRENT_DATE,
    last_update timestamptz NOT NULL DEFAULT now(),
    active integer);

CREATE TABLE dvd.inventory (
    inventory_id serial PRIMARY KEY,
    film_id smallint NOT NULL REFERENCES dvd.film,
    store_id smallint NOT NULL,
    last_update timestamptz NOT NULL DEFAULT now());

CREATE TABLE dvd.rental (
    rental_id serial PRIMARY KEY,
    rental_date timestamp NOT NULL,
    inventory_id integer NOT NULL REFERENCES dvd.inventory,
    customer_id smallint NOT NULL REFERENCES dvd.customer,
    return_date timestamp,
    staff_id smallint NOT NULL,
    last_update timestamptz NOT NULL DEFAULT now());

CREATE TABLE dvd.payment (
    payment_id serial PRIMARY KEY,
    customer_id smallint NOT NULL REFERENCES dvd.customer,
    staff_id smallint NOT NULL,
    rental_id integer NOT NULL REFERENCES dvd.rental,
    amount numeric(5,2) NOT NULL,
    payment_date timestamp NOT NULL,
    last_update timestamptz NOT NULL DEFAULT now());

INSERT INTO dvd.language (language_id, name, last_update)
SELECT i, name, '2006-02-15 10:02:19+00'
FROM unnest('{English,Italian,Japanese,Mandarin,French,German}'::text[]) WITH ORDINALITY AS l (name, i);

INSERT INTO dvd.category (category_id, name, last_update)
SELECT i, name, '2006-02-15 09:46:27+00'
FROM unnest('{Action,Animation,Children,Classics,Comedy,Documentary,Drama,Family,Foreign,Games,Horror,Music,New,Sci-Fi,Sports,Travel}'::text[])
    WITH ORDINALITY AS c (name, i);

-- 20 first names by 40 last names: the pair is new for each of the first 800.
INSERT INTO dvd.actor (actor_id, first_name, last_name, last_update)
SELECT i, first[1 + (i - 1) % 20], last[1 + ((i - 1) / 20 * 3 + (i - 1) % 20) % 40],
       '2013-05-26 14:47:57.62+00'
FROM generate_series(1, 200) AS i,
     (VALUES ('{Penelope,Nick,Ed,Jennifer,Johnny,Bette,Grace,Matthew,Joe,Christian,Zero,Karl,Uma,Vivien,Cuba,Fred,Helen,Dan,Bob,Lucille}'::text[],
              '{Guiness,Wahlberg,Chase,Davis,Lollobrigida,Nicholson,Mostel,Johansson,Swank,Gable,Cage,Berry,Wood,Bergen,Olivier,Costner,Voight,Torn,Fawcett,Tracy,Paltrow,Marx,Kilmer,Streep,Bloom,Crawford,McQueen,Dukakis,Bailey,Hopkins,Temple,Nolte,Peck,Allen,Dean,Garland,Monroe,Crowe,Hackman,Keitel}'::text[]))
         AS names (first, last);

-- 40 first words by 25 second words: 1,000 titles. Ten films share a last_update, so that pages of
-- an incremental load end between equal keys.
INSERT INTO dvd.film (film_id, title, description, release_year, language_id, rental_duration, rental_rate,
                      length, replacement_cost, rating, last_update, special_features)
SELECT i,
       one[1 + (i - 1) / 25] || ' ' || two[1 + ((i - 1) / 25 * 3 + i - 1) % 25],
       format('A %s %s of a %s And a %s who must %s a %s in %s',
              kind[1 + dvd.pick('kind' || i, 10)], sort[1 + dvd.pick('sort' || i, 8)],
              who[1 + dvd.pick('who1' || i, 12)], who[1 + dvd.pick('who2' || i, 12)],
              act[1 + dvd.pick('act' || i, 8)], who[1 + dvd.pick('who3' || i, 12)],
              place[1 + dvd.pick('place' || i, 8)]),
       2000 + dvd.pick('year' || i, 10),
       CASE WHEN dvd.pick('lang' || i, 5) > 0 THEN 1 ELSE 2 + dvd.pick('lang2' || i, 5) END,
       3 + dvd.pick('duration' || i, 5),
       ('{0.99,2.99,4.99}'::numeric[])[1 + dvd.pick('rate' || i, 3)],
       46 + dvd.pick('length' || i, 140),
       9.99 + dvd.pick('cost' || i, 21),
       (enum_range(NULL::dvd.mpaa_rating))[1 + dvd.pick('rating' || i, 5)],
       timestamptz '2013-05-26 14:50:58.951+00' + (i - 1) / 10 * interval '1 minute',
       ARRAY(SELECT f FROM unnest('{Trailers,Commentaries,Deleted Scenes,Behind the Scenes}'::text[])
                               WITH ORDINALITY AS s (f, n)
             WHERE (1 + dvd.pick('feature' || i, 15)) & (1 << (n::integer - 1)) <> 0 ORDER BY n)
FROM generate_series(1, 1000) AS i,
     (VALUES ('{Academy,Ace,Adaptation,Affair,African,Agent,Airplane,Alabama,Aladdin,Alamo,Alaska,Alien,Alley,Alone,Amadeus,Amelie,American,Anaconda,Angels,Annie,Apache,Apollo,Arabia,Arizona,Armageddon,Artist,Attacks,Attraction,Autumn,Baby,Badman,Balloon,Banger,Barefoot,Beach,Bedazzled,Beauty,Betrayed,Birch,Blanket}'::text[],
              '{Dinosaur,Goldfinger,Holes,Prejudice,Egg,Truman,Sierra,Devil,Calendar,Videotape,Phantom,Center,Evolution,Trip,Wonderland,Hellfighters,Hunger,Confessions,Life,Identity,Divine,Teen,Dogma,Bang,Ghost}'::text[],
              '{Epic,Astounding,Fanciful,Fast-Paced,Touching,Thoughtful,Insightful,Action-Packed,Lacklusture,Unbelieveable}'::text[],
              '{Drama,Epistle,Reflection,Documentary,Panorama,Tale,Yarn,Story}'::text[],
              '{Feminist,Mad Scientist,Database Administrator,Car,Hunter,Teacher,Dentist,Crocodile,Moose,Pastry Chef,Squirrel,Waitress}'::text[],
              '{Battle,Find,Build,Meet,Outrace,Pursue,Redeem,Overcome}'::text[],
              '{The Canadian Rockies,Ancient China,A Baloon Factory,Nigeria,A Shark Tank,The Gulf of Mexico,A Monastery,The First Manned Space Station}'::text[]))
         AS words (one, two, kind, sort, who, act, place);

INSERT INTO dvd.film_actor (actor_id, film_id, last_update)
SELECT DISTINCT 1 + dvd.pick(format('actor%s.%s', film, n), 200), film, timestamptz '2006-02-15 10:05:03+00'
FROM generate_series(1, 1000) AS film, LATERAL generate_series(0, dvd.pick('actors' || film, 10)) AS n
ORDER BY 2, 1;

INSERT INTO dvd.film_category (film_id, category_id, last_update)
SELECT i, 1 + dvd.pick('category' || i, 16), '2006-02-15 10:07:09+00' FROM generate_series(1, 1000) AS i;

INSERT INTO dvd.customer (customer_id, store_id, first_name, last_name, email, address_id, activebool,
                          create_date, last_update, active)
SELECT i, 1 + dvd.pick('store' || i, 2), first, last,
       format('%s.%s@example.org', lower(first), lower(last)), i + 4, true, '2006-02-14',
       timestamptz '2013-05-26 14:49:45.738+00', (dvd.pick('active' || i, 40) > 0)::integer
FROM (VALUES ('{Mary,Patricia,Linda,Barbara,Elizabeth,Maria,Susan,Margaret,Dorothy,Lisa,Nancy,Karen,Betty,Sandra,Donna,Carol,Ruth,Sharon,Michelle,Laura,James,John,Robert,Michael,William,David,Richard,Charles,Joseph,Thomas}'::text[],
              '{Smith,Johnson,Williams,Jones,Brown,Miller,Wilson,Moore,Taylor,Anderson,Jackson,White,Harris,Martin,Thompson,Garcia,Martinez,Robinson,Clark,Rodriguez}'::text[]))
         AS names (firsts, lasts),
     generate_series(1, 599) AS i,
     LATERAL (SELECT firsts[1 + (i - 1) % 30] AS first, lasts[1 + (i - 1) / 30] AS last) AS person
ORDER BY i;

INSERT INTO dvd.inventory (inventory_id, film_id, store_id, last_update)
SELECT i, 1 + dvd.pick('copy' || i, 958), 1 + dvd.pick('shelf' || i, 2), '2006-02-15 10:09:17+00'
FROM generate_series(1, 4581) AS i;

-- Rentals in the order of their dates over 17 weeks; one in 90 is not back yet.
INSERT INTO dvd.rental (rental_id, rental_date, inventory_id, customer_id, return_date, staff_id, last_update)
SELECT i, rented, 1 + dvd.pick('inventory' || i, 4581), 1 + dvd.pick('customer' || i, 599),
       CASE WHEN dvd.pick('back' || i, 90) > 0
            THEN rented + interval '1 day' + dvd.pick('kept' || i, 12000) * interval '1 minute' END,
       1 + dvd.pick('staff' || i, 2), timestamptz '2006-02-16 02:30:53+00' + i / 50 * interval '1 second'
FROM generate_series(1, 16044) AS i,
     LATERAL (SELECT timestamp '2005-05-24 22:53:30' + (i * 640 + dvd.pick('minute' || i, 600)) * interval '1 second') AS r (rented)
ORDER BY i;

-- The first 1,448 rentals were never paid, as in the original: 14,596 payments.
INSERT INTO dvd.payment (payment_id, customer_id, staff_id, rental_id, amount, payment_date, last_update)
SELECT r.rental_id - 1448, r.customer_id, r.staff_id, r.rental_id,
       f.rental_rate + greatest(0, coalesce(r.return_date::date - r.rental_date::date, 0) - f.rental_duration),
       r.rental_date + interval '2 years', timestamptz '2007-05-15 00:00:00+00' + r.rental_id * interval '1 second'
FROM dvd.rental AS r JOIN dvd.inventory AS i USING (inventory_id) JOIN dvd.film AS f USING (film_id)
WHERE r.rental_id > 1448
ORDER BY r.rental_id;

DO $$
DECLARE
    name text;
    serial_of text;
BEGIN
    FOREACH name IN ARRAY '{actor,category,customer,film,film_actor,film_category,inventory,language,payment,rental}'::text[] LOOP
        EXECUTE format('CREATE TRIGGER last_updated BEFORE UPDATE ON dvd.%I FOR EACH ROW EXECUTE FUNCTION dvd.touch()', name);
        IF name NOT IN ('film_actor', 'film_category') THEN
            serial_of := pg_get_serial_sequence('dvd.' || name, name || '_id');
            EXECUTE format('SELECT setval(%L, max(%I)) FROM dvd.%I', serial_of, name || '_id', name);
        END IF;
    END LOOP;
END $$;

CREATE INDEX film_last_update ON dvd.film (last_update, film_id);
CREATE INDEX film_actor_film ON dvd.film_actor (film_id);
CREATE INDEX inventory_film ON dvd.inventory (film_id);
CREATE INDEX rental_inventory ON dvd.rental (inventory_id);
CREATE INDEX payment_rental ON dvd.payment (rental_id);

DROP FUNCTION dvd.pick(text, integer);
COMMIT;

ANALYZE dvd.actor, dvd.category, dvd.customer, dvd.film, dvd.film_actor, dvd.film_category, dvd.inventory, dvd.language,
    dvd.payment, dvd.rental;
