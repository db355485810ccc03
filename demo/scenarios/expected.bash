# The hand-written queries that the targets are compared with: the same figures as the pipelines',
# found another way.

# shellcheck disable=SC2034
film_dim_expected="
    SELECT f.film_id, f.title::text, trim(l.name), c.name::text, f.rating::text, f.release_year::integer,
           f.rental_rate, f.length::integer, f.replacement_cost, coalesce(a.actors, 0)::integer, f.last_update
    FROM dvd.film AS f
    JOIN dvd.language AS l USING (language_id)
    LEFT JOIN (dvd.film_category AS fc JOIN dvd.category AS c USING (category_id)) ON fc.film_id = f.film_id
    LEFT JOIN (SELECT film_id, count(*) AS actors FROM dvd.film_actor GROUP BY film_id) AS a ON a.film_id = f.film_id"

film_rating_expected="
    SELECT rating::text,
           (SELECT count(*) FROM dvd.film WHERE rating = r.rating),
           (SELECT round(avg(rental_rate), 2) FROM dvd.film WHERE rating = r.rating),
           (SELECT round(avg(length), 2) FROM dvd.film WHERE rating = r.rating),
           (SELECT count(*) FROM dvd.rental JOIN dvd.inventory USING (inventory_id) JOIN dvd.film USING (film_id)
            WHERE rating = r.rating),
           (SELECT sum(amount) FROM dvd.payment JOIN dvd.rental USING (rental_id)
            JOIN dvd.inventory USING (inventory_id) JOIN dvd.film USING (film_id) WHERE rating = r.rating)
    FROM unnest(enum_range(NULL::dvd.mpaa_rating)) AS r (rating)"

fact_flight_expected="
    SELECT f.flight_id, to_char(make_date(f.year, f.month, f.day), 'YYYYMMDD')::integer, f.carrier, f.tailnum,
           f.origin, f.dest, f.flight, f.time_hour + make_interval(mins => f.minute), f.dep_time IS NULL,
           f.dep_delay, f.arr_delay, f.air_time, f.distance, w.temp, w.wind_speed, w.precip
    FROM nyc.flights AS f LEFT JOIN nyc.weather AS w USING (origin, time_hour)"
